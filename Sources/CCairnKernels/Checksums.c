// CRC-32 by carry-less multiplication and Adler-32 in vectors of 32 bytes.
#include "CCairnKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

uint32_t cairn_kernels_available(void) {
  __builtin_cpu_init();
  uint32_t available = 0;
  if (__builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1"))
    available |= CAIRN_KERNELS_CRC32;
  if (__builtin_cpu_supports("avx2")) available |= CAIRN_KERNELS_AVX2;
  if (__builtin_cpu_supports("avx512f")) {
    if ((available & CAIRN_KERNELS_CRC32) && __builtin_cpu_supports("vpclmulqdq"))
      available |= CAIRN_KERNELS_CRC32_AVX512;
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi"))
      available |= CAIRN_KERNELS_AVX512;
  }
  return available;
}

// V. Gopal and others, "Fast CRC computation for generic polynomials using PCLMULQDQ instruction"
// (Intel, 2009). The constants are x^n mod P with their bits reversed, P the polynomial of CRC-32:
// n = 512 + 32 and 512 - 32 to fold across 64 bytes, 128 + 32 and 128 - 32 across 16.
#define FOLDING __attribute__((target("pclmul,sse4.1")))

FOLDING static inline __m128i fold(__m128i sum, __m128i constants, __m128i next) {
  return _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(sum, constants, 0x00),
                                     _mm_clmulepi64_si128(sum, constants, 0x11)),
                       next);
}

FOLDING static inline __m128i load(const uint8_t *bytes) {
  return _mm_loadu_si128((const __m128i *)bytes);
}

FOLDING void cairn_crc32_fold(uint32_t state, const uint8_t *bytes, size_t count,
                              uint8_t *remainder) {
  const __m128i across64 = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
  const __m128i across16 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
  __m128i a = _mm_xor_si128(load(bytes), _mm_cvtsi32_si128((int)state));
  __m128i b = load(bytes + 16), c = load(bytes + 32), d = load(bytes + 48);
  for (size_t i = 64; i < count; i += 64) {
    a = fold(a, across64, load(bytes + i));
    b = fold(b, across64, load(bytes + i + 16));
    c = fold(c, across64, load(bytes + i + 32));
    d = fold(d, across64, load(bytes + i + 48));
  }
  _mm_storeu_si128((__m128i *)remainder,
                   fold(fold(fold(a, across16, b), across16, c), across16, d));
}

#define FOLDING512 __attribute__((target("avx512f,vpclmulqdq,pclmul,sse4.1")))

FOLDING512 static inline __m512i fold512(__m512i sum, __m512i constants, __m512i next) {
  // The exclusive or of all three.
  return _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(sum, constants, 0x00),
                                   _mm512_clmulepi64_epi128(sum, constants, 0x11), next, 0x96);
}

FOLDING512 void cairn_crc32_fold_avx512(uint32_t state, const uint8_t *bytes, size_t count,
                                        uint8_t *remainder) {
  // As above, for n = 2048 + 32 and 2048 - 32.
  const __m512i across256 =
      _mm512_broadcast_i32x4(_mm_set_epi64x(0x1322d1430, 0x11542778a));
  const __m512i across64 = _mm512_broadcast_i32x4(_mm_set_epi64x(0x1c6e41596, 0x154442bd4));
  const __m128i across16 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
  __m512i a = _mm512_xor_si512(_mm512_loadu_si512(bytes),
                               _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)state)));
  __m512i b = _mm512_loadu_si512(bytes + 64), c = _mm512_loadu_si512(bytes + 128);
  __m512i d = _mm512_loadu_si512(bytes + 192);
  size_t i = 256;
  for (; i + 256 <= count; i += 256) {
    a = fold512(a, across256, _mm512_loadu_si512(bytes + i));
    b = fold512(b, across256, _mm512_loadu_si512(bytes + i + 64));
    c = fold512(c, across256, _mm512_loadu_si512(bytes + i + 128));
    d = fold512(d, across256, _mm512_loadu_si512(bytes + i + 192));
  }
  a = fold512(fold512(fold512(a, across64, b), across64, c), across64, d);
  for (; i < count; i += 64) a = fold512(a, across64, _mm512_loadu_si512(bytes + i));
  const __m128i e = fold(_mm512_extracti32x4_epi32(a, 0), across16, _mm512_extracti32x4_epi32(a, 1));
  _mm_storeu_si128((__m128i *)remainder,
                   fold(fold(e, across16, _mm512_extracti32x4_epi32(a, 2)), across16,
                        _mm512_extracti32x4_epi32(a, 3)));
}

// Within a block of 64 bytes x0 ... x63 the first half grows by the bytes' sum, the second by
// 64 times the first half before it and by 64 x0 + 63 x1 + ... + 1 x63.
__attribute__((target("avx2"))) uint32_t cairn_adler32_avx2(uint32_t adler, const uint8_t *bytes,
                                                            size_t count) {
  const uint32_t prime = 65521;
  // The most bytes, in blocks, after which no 32-bit sum of bytes below 256 has overflowed: 5552,
  // as in zlib.
  const size_t most = 5552 / 64 * 64;
  const __m256i weights1 = _mm256_setr_epi8(64, 63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51,
                                            50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37,
                                            36, 35, 34, 33);
  const __m256i weights2 = _mm256_sub_epi8(weights1, _mm256_set1_epi8(32));
  const __m256i ones = _mm256_set1_epi16(1), zero = _mm256_setzero_si256();
  uint32_t low = adler & 0xffff, high = adler >> 16;
  while (count > 0) {
    const size_t own = count < most ? count : most;
    __m256i sums = zero, before = zero, weighted1 = zero, weighted2 = zero;
    for (size_t i = 0; i < own; i += 64) {
      const __m256i x = _mm256_loadu_si256((const __m256i *)(bytes + i));
      const __m256i y = _mm256_loadu_si256((const __m256i *)(bytes + i + 32));
      before = _mm256_add_epi32(before, sums);
      sums = _mm256_add_epi32(
          sums, _mm256_add_epi32(_mm256_sad_epu8(x, zero), _mm256_sad_epu8(y, zero)));
      // Two products of at most 255 * 64 fit into 16 bits with a sign: 32,640.
      weighted1 = _mm256_add_epi32(
          weighted1, _mm256_madd_epi16(_mm256_maddubs_epi16(x, weights1), ones));
      weighted2 = _mm256_add_epi32(
          weighted2, _mm256_madd_epi16(_mm256_maddubs_epi16(y, weights2), ones));
    }
    uint32_t sum[8], earlier[8], own_weighted[8];
    _mm256_storeu_si256((__m256i *)sum, sums);
    _mm256_storeu_si256((__m256i *)earlier, before);
    _mm256_storeu_si256((__m256i *)own_weighted, _mm256_add_epi32(weighted1, weighted2));
    uint64_t total = 0, rise = (uint64_t)low * own;
    for (int lane = 0; lane < 8; lane++) {
      total += sum[lane];
      rise += 64 * (uint64_t)earlier[lane] + own_weighted[lane];
    }
    high = (uint32_t)((high + rise) % prime);
    low = (uint32_t)((low + total) % prime);
    bytes += own;
    count -= own;
  }
  return high << 16 | low;
}

#else

uint32_t cairn_kernels_available(void) { return 0; }

void cairn_crc32_fold(uint32_t state, const uint8_t *bytes, size_t count, uint8_t *remainder) {
  (void)state, (void)bytes, (void)count, (void)remainder;
}

void cairn_crc32_fold_avx512(uint32_t state, const uint8_t *bytes, size_t count,
                             uint8_t *remainder) {
  (void)state, (void)bytes, (void)count, (void)remainder;
}

uint32_t cairn_adler32_avx2(uint32_t adler, const uint8_t *bytes, size_t count) {
  (void)bytes, (void)count;
  return adler;
}

#endif
