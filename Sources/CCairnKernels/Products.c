// Products of matrices: which loops there are, and the choice between them. The loops are those of
// K. Goto and R. van de Geijn, "Anatomy of high-performance matrix multiplication" (2008): a block of
// the left matrix stays in the second cache, a part of a panel of the right one in the first, and a
// tile of sums in registers.
#include "WindowTaps.h"

// Rows of a panel that are used before the next panel is: 16 KiB of it.
#define DEPTH 256


#define FMA __builtin_fmaf
#define SCALAR float

// On x86-64 a fused multiply-add of the baseline is a call, which leaves no sums in registers.
#if defined(__x86_64__)
#define PLAIN_ROWS 2
#else
#define PLAIN_ROWS 6
#endif

#define NAME(x) plain_f32_##x
typedef cairn_product_f32 plain_f32_operands;
#define LANES 4
#define VECTORS 4
#define ROWS PLAIN_ROWS
#include "ProductLanes.h"

#if defined(__x86_64__)
#define NAME(x) avx2_f32_##x
typedef cairn_product_f32 avx2_f32_operands;
#define TARGET "avx2,fma"
#define LANES 8
#define VECTORS 2
#define ROWS 6
#include "ProductLanes.h"

// The loops are written once for all instructions. Those of AVX-512 have not run on a machine that has it.
#ifndef CAIRN_PRODUCT_WIDE
#define CAIRN_PRODUCT_WIDE "avx512f"
#endif

#define NAME(x) avx512_f32_##x
typedef cairn_product_f32 avx512_f32_operands;
#define TARGET CAIRN_PRODUCT_WIDE
#define LANES 16
#define VECTORS 1
#define ROWS 12
#include "ProductLanes.h"
#endif

#undef FMA
#undef SCALAR
#define FMA __builtin_fma
#define SCALAR double

#define NAME(x) plain_f64_##x
typedef cairn_product_f64 plain_f64_operands;
#define LANES 2
#define VECTORS 4
#define ROWS PLAIN_ROWS
#include "ProductLanes.h"

#if defined(__x86_64__)
#define NAME(x) avx2_f64_##x
typedef cairn_product_f64 avx2_f64_operands;
#define TARGET "avx2,fma"
#define LANES 4
#define VECTORS 2
#define ROWS 6
#include "ProductLanes.h"

#define NAME(x) avx512_f64_##x
typedef cairn_product_f64 avx512_f64_operands;
#define TARGET CAIRN_PRODUCT_WIDE
#define LANES 8
#define VECTORS 1
#define ROWS 12
#include "ProductLanes.h"
#endif

int cairn_product_has(int32_t way) {
  if (way == CAIRN_PRODUCT_PLAIN) return 1;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (way == CAIRN_PRODUCT_AVX2)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (way == CAIRN_PRODUCT_AVX512) return __builtin_cpu_supports("avx512f");
#endif
  return 0;
}

int32_t cairn_product_best(void) {
  int32_t way = CAIRN_PRODUCT_WAYS - 1;
  while (!cairn_product_has(way)) way--;
  return way;
}

#if defined(__x86_64__)
#define CHOOSE(suffix, function, operands)                                                             \
  switch (way) {                                                                                   \
    case CAIRN_PRODUCT_AVX2: avx2_##suffix##_##function operands; return;                                \
    case CAIRN_PRODUCT_AVX512: avx512_##suffix##_##function operands; return;                            \
    default: plain_##suffix##_##function operands; return;                                               \
  }
#else
#define CHOOSE(suffix, function, operands) (void)way, plain_##suffix##_##function operands;
#endif

#define FUNCTIONS(suffix, scalar, width)                                                           \
  void cairn_multiply_##suffix(int32_t way, const cairn_product_##suffix *o) {                     \
    if (o->inner == 0 && !o->continues)                                                            \
      for (size_t row = 0; row < o->rows; row++)                                                   \
        for (size_t i = 0; i < o->columns; i++)                                                    \
          o->result[row * o->result_stride + i] = o->bias ? o->bias[i] : 0;                        \
    CHOOSE(suffix, product, (o))                                                                       \
  }                                                                                                \
  void cairn_depthwise_##suffix(int32_t way, const cairn_windows *windows, const scalar *source,    \
                                size_t channels, const scalar *weights, const scalar *bias,        \
                                size_t window, size_t count, scalar *result) {                     \
    CHOOSE(suffix, depthwise, (windows, source, channels, weights, bias, window, count, result))   \
  }                                                                                                \
  void cairn_pack_##suffix(const scalar *right, size_t stride, size_t inner, size_t columns,       \
                           scalar *packed) {                                                       \
    for (size_t column = 0; column < columns; column += width) {                                   \
      scalar *panel = packed + column * inner;                                                     \
      const size_t count = columns - column < width ? columns - column : width;                    \
      for (size_t k = 0; k < inner; k++) {                                                         \
        const scalar *row = right + k * stride + column;                                           \
        if (count == width) {                                                                      \
          __builtin_memcpy(panel + k * width, row, width * sizeof *row);                           \
          continue;                                                                                \
        }                                                                                          \
        for (size_t i = 0; i < width; i++) panel[k * width + i] = i < count ? row[i] : 0;          \
      }                                                                                            \
    }                                                                                              \
  }

FUNCTIONS(f32, float, CAIRN_PANEL_F32)
FUNCTIONS(f64, double, CAIRN_PANEL_F64)
