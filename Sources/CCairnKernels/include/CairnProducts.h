// Products of matrices and sums over windows. Every function is complete and runs on every machine,
// and all ways give the same bits: each sum is one chain of fused multiply-adds, begun at 0, in
// ascending order of what is added up. Callers see to it that everything lies in bounds.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// The ways to compute.
enum {
  /// What the architecture has without asking; on x86-64 that is a call for each multiply-add.
  CAIRN_PRODUCT_PLAIN = 0,
  /// AVX2 and FMA.
  CAIRN_PRODUCT_AVX2 = 1,
  /// AVX-512 F.
  CAIRN_PRODUCT_AVX512 = 2,
  CAIRN_PRODUCT_WAYS = 3,
};

/// Whether this machine has what the way needs.
int cairn_product_has(int32_t way);

/// The quickest way that this machine has.
int32_t cairn_product_best(void);

enum {
  /// The columns of a panel.
  CAIRN_PANEL_F32 = 16,
  CAIRN_PANEL_F64 = 8,
};

// For float and double alike.
#define CAIRN_PRODUCT_TYPES(suffix, scalar)                                                        \
  /* A product `left · right`, of which `right` is packed. */                                      \
  typedef struct {                                                                                 \
    /* `rows` rows of `inner` scalars, `left_stride` apart. */                                     \
    const scalar *_Nonnull left;                                                                   \
    size_t left_stride, rows, inner;                                                               \
    /* Panels of `packed_inner` rows, at least `inner`, of which the first `inner` are used. */     \
    const scalar *_Nonnull packed;                                                                 \
    size_t packed_inner, columns;                                                                  \
    /* Added last to each row; or null. */                                                         \
    const scalar *_Nullable bias;                                                                  \
    scalar *_Nonnull result;                                                                       \
    size_t result_stride;                                                                          \
    /* Whether the sums go on from what `result` has, instead of 0. */                             \
    int32_t continues;                                                                             \
  } cairn_product_##suffix;                                                                        \
  /* Copies `inner` rows of `columns` scalars, `stride` apart, into panels: all rows of the first   \
     columns, then those of the next ones, zeros for columns that there are none of. */            \
  void cairn_pack_##suffix(const scalar *_Nonnull right, size_t stride, size_t inner,              \
                           size_t columns, scalar *_Nonnull packed);                               \
  void cairn_multiply_##suffix(int32_t way, const cairn_product_##suffix *_Nonnull product);

CAIRN_PRODUCT_TYPES(f32, float)
CAIRN_PRODUCT_TYPES(f64, double)
#undef CAIRN_PRODUCT_TYPES

/// Windows that are moved over up to three dimensions of `(n, …, channels)`; missing ones come first
/// and have length 1. What of a window lies outside of the source counts as nothing.
typedef struct {
  size_t input[3];
  /// The window's taps, and the distances between neighbouring ones.
  size_t kernel[3], dilation[3];
  /// The distance from one window to the next, and the places in front of the source that the first
  /// one covers.
  size_t stride[3], before[3];
  /// The number of windows, at least 1.
  size_t output[3];
} cairn_windows;

/// Writes the bytes `first` to `end` of each of `count` patches, row after row, from window
/// `window` on, counted over all examples. A patch has `run` bytes for each tap, zeros outside of the
/// source. `place` is the bytes of a place in the source, of which those from `offset` on are taken.
void cairn_gather_patches(const cairn_windows *_Nonnull windows, const uint8_t *_Nonnull source,
                          size_t place, size_t offset, size_t run, size_t window, size_t count,
                          size_t first, size_t end, uint8_t *_Nonnull patches);

enum {
  CAIRN_POOL_MAXIMUM = 0,
  CAIRN_POOL_AVERAGE = 1,
};

// For float and double alike.
#define CAIRN_WINDOW_TYPES(suffix, scalar)                                                         \
  /* For each of `count` windows from `window` on and each channel the sum of values times weights, \
     `channels` for each tap. */                                                                   \
  void cairn_depthwise_##suffix(int32_t way, const cairn_windows *_Nonnull windows,                \
                                const scalar *_Nonnull source, size_t channels,                    \
                                const scalar *_Nonnull weights, const scalar *_Nullable bias,      \
                                size_t window, size_t count, scalar *_Nonnull result);             \
  /* The same for the largest value (a NaN stays), -infinity if there is none, or the mean. */     \
  void cairn_pool_##suffix(int32_t function, const cairn_windows *_Nonnull windows,                \
                           const scalar *_Nonnull source, size_t channels, size_t window,          \
                           size_t count, scalar *_Nonnull result);

CAIRN_WINDOW_TYPES(f32, float)
CAIRN_WINDOW_TYPES(f64, double)
#undef CAIRN_WINDOW_TYPES
