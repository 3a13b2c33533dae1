// Splitting elements into byte planes and joining them, 32 elements at a time.
#include "CCairnKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256i load(const uint8_t *bytes) {
  return _mm256_loadu_si256((const __m256i *)bytes);
}

AVX2 static inline void store(uint8_t *bytes, __m256i value) {
  _mm256_storeu_si256((__m256i *)bytes, value);
}

AVX2 static inline __m256i left16(__m256i x) {
  return _mm256_or_si256(_mm256_slli_epi16(x, 1), _mm256_srli_epi16(x, 15));
}

AVX2 static inline __m256i right16(__m256i x) {
  return _mm256_or_si256(_mm256_srli_epi16(x, 1), _mm256_slli_epi16(x, 15));
}

AVX2 static inline __m256i left32(__m256i x) {
  return _mm256_or_si256(_mm256_slli_epi32(x, 1), _mm256_srli_epi32(x, 31));
}

AVX2 static inline __m256i right32(__m256i x) {
  return _mm256_or_si256(_mm256_srli_epi32(x, 1), _mm256_slli_epi32(x, 31));
}

AVX2 static inline __m256i low_halves(__m256i x, __m256i y) {
  return _mm256_permute2x128_si256(x, y, 0x20);
}

AVX2 static inline __m256i high_halves(__m256i x, __m256i y) {
  return _mm256_permute2x128_si256(x, y, 0x31);
}

// In each half of a vector: the low bytes of eight 16-bit elements, then their high bytes.
#define PAIRS 0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15
// Byte 0 of four 32-bit elements, then byte 1, 2, 3; the same permutation leads back.
#define QUADS 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15

AVX2 void cairn_split2_avx2(const uint8_t *elements, size_t count, int rotated,
                            uint8_t *const *planes) {
  const __m256i order = _mm256_setr_epi8(PAIRS, PAIRS);
  uint8_t *low = planes[0], *high = planes[1];
  for (size_t i = 0; i < count; i += 32) {
    __m256i x = load(elements + 2 * i), y = load(elements + 2 * i + 32);
    if (rotated) x = left16(x), y = left16(y);
    // Low, low, high, high.
    x = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(x, order), 0xd8);
    y = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(y, order), 0xd8);
    store(low + i, low_halves(x, y));
    store(high + i, high_halves(x, y));
  }
}

AVX2 void cairn_join2_avx2(const uint8_t *const *planes, size_t count, int rotated,
                           uint8_t *elements) {
  const uint8_t *low = planes[0], *high = planes[1];
  for (size_t i = 0; i < count; i += 32) {
    const __m256i l = load(low + i), h = load(high + i);
    // Elements 0 ... 7 and 16 ... 23, then the others.
    __m256i x = _mm256_unpacklo_epi8(l, h), y = _mm256_unpackhi_epi8(l, h);
    if (rotated) x = right16(x), y = right16(y);
    store(elements + 2 * i, low_halves(x, y));
    store(elements + 2 * i + 32, high_halves(x, y));
  }
}

AVX2 void cairn_split4_avx2(const uint8_t *elements, size_t count, int rotated,
                            uint8_t *const *planes) {
  const __m256i order = _mm256_setr_epi8(QUADS, QUADS);
  // What the two halves have of byte 0, then of byte 1, 2, 3.
  const __m256i together = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  uint8_t *p0 = planes[0], *p1 = planes[1], *p2 = planes[2], *p3 = planes[3];
  for (size_t i = 0; i < count; i += 32) {
    __m256i v[4];
    for (int k = 0; k < 4; k++) {
      v[k] = load(elements + 4 * i + 32 * (size_t)k);
      if (rotated) v[k] = left32(v[k]);
      v[k] = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(v[k], order), together);
    }
    // Four vectors of four 64-bit words, transposed.
    const __m256i a = _mm256_unpacklo_epi64(v[0], v[1]), b = _mm256_unpackhi_epi64(v[0], v[1]);
    const __m256i c = _mm256_unpacklo_epi64(v[2], v[3]), d = _mm256_unpackhi_epi64(v[2], v[3]);
    store(p0 + i, low_halves(a, c));
    store(p1 + i, low_halves(b, d));
    store(p2 + i, high_halves(a, c));
    store(p3 + i, high_halves(b, d));
  }
}

AVX2 void cairn_join4_avx2(const uint8_t *const *planes, size_t count, int rotated,
                           uint8_t *elements) {
  const uint8_t *p0 = planes[0], *p1 = planes[1], *p2 = planes[2], *p3 = planes[3];
  for (size_t i = 0; i < count; i += 32) {
    const __m256i a = load(p0 + i), b = load(p1 + i), c = load(p2 + i), d = load(p3 + i);
    const __m256i ab_low = _mm256_unpacklo_epi8(a, b), ab_high = _mm256_unpackhi_epi8(a, b);
    const __m256i cd_low = _mm256_unpacklo_epi8(c, d), cd_high = _mm256_unpackhi_epi8(c, d);
    // Elements 0 ... 3 and 16 ... 19, then 4 and 20, 8 and 24, 12 and 28.
    __m256i w = _mm256_unpacklo_epi16(ab_low, cd_low), x = _mm256_unpackhi_epi16(ab_low, cd_low);
    __m256i y = _mm256_unpacklo_epi16(ab_high, cd_high);
    __m256i z = _mm256_unpackhi_epi16(ab_high, cd_high);
    if (rotated) w = right32(w), x = right32(x), y = right32(y), z = right32(z);
    store(elements + 4 * i, low_halves(w, x));
    store(elements + 4 * i + 32, low_halves(y, z));
    store(elements + 4 * i + 64, high_halves(w, x));
    store(elements + 4 * i + 96, high_halves(y, z));
  }
}

#else

void cairn_split2_avx2(const uint8_t *elements, size_t count, int rotated, uint8_t *const *planes) {
  (void)elements, (void)count, (void)rotated, (void)planes;
}

void cairn_split4_avx2(const uint8_t *elements, size_t count, int rotated, uint8_t *const *planes) {
  (void)elements, (void)count, (void)rotated, (void)planes;
}

void cairn_join2_avx2(const uint8_t *const *planes, size_t count, int rotated, uint8_t *elements) {
  (void)planes, (void)count, (void)rotated, (void)elements;
}

void cairn_join4_avx2(const uint8_t *const *planes, size_t count, int rotated, uint8_t *elements) {
  (void)planes, (void)count, (void)rotated, (void)elements;
}

#endif
