// Blocks of SHA-256 by the instructions made for it, and in the lanes of vectors.
#include "SHA256Blocks.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

int cairn_sha256_has_shani(void) {
  // Not every compiler's `__builtin_cpu_supports` knows "sha".
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b >> 29 & 1)) return 0;
  __builtin_cpu_init();
  return __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1");
}

#define SHANI __attribute__((target("sha,ssse3,sse4.1")))
#define INLINE static inline __attribute__((always_inline))

// One message's state as the instructions want it, the first letter in the highest word, and the
// last 16 words of its schedule.
typedef struct {
  __m128i abef, cdgh, w[4];
} stream;

// Four rounds, number `quad` of 16. The words that they take are w[quad mod 4]; meanwhile those of
// the next quad are completed and those of the quad three later begun.
SHANI INLINE void four_rounds(stream *s, size_t count, const int quad) {
  const __m128i constants = _mm_loadu_si128((const __m128i *)(cairn_sha256_constants + 4 * quad));
  const int now = quad & 3, next = (quad + 1) & 3, before = (quad + 3) & 3;
  __m128i sums[2];
  for (size_t i = 0; i < count; i++) {
    sums[i] = _mm_add_epi32(s[i].w[now], constants);
    s[i].cdgh = _mm_sha256rnds2_epu32(s[i].cdgh, s[i].abef, sums[i]);
  }
  for (size_t i = 0; i < count; i++) {
    if (quad >= 3 && quad < 15) {
      const __m128i seven = _mm_alignr_epi8(s[i].w[now], s[i].w[before], 4);
      s[i].w[next] = _mm_sha256msg2_epu32(_mm_add_epi32(s[i].w[next], seven), s[i].w[now]);
    }
    s[i].abef = _mm_sha256rnds2_epu32(s[i].abef, s[i].cdgh, _mm_shuffle_epi32(sums[i], 0x0e));
    if (quad >= 1 && quad < 13) s[i].w[before] = _mm_sha256msg1_epu32(s[i].w[before], s[i].w[now]);
  }
}

// The latency of one message's rounds leaves room for those of another: `count` is 1 or 2.
SHANI INLINE void hash(uint32_t (*states)[8], const uint8_t *const *blocks, const size_t count,
                       size_t block_count) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  stream s[2];
  const uint8_t *at[2];
  for (size_t i = 0; i < count; i++) {
    // ABCD and EFGH, the first letter in the lowest word.
    const __m128i dcba = _mm_loadu_si128((const __m128i *)states[i]);
    const __m128i hgfe = _mm_loadu_si128((const __m128i *)(states[i] + 4));
    const __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    s[i].abef = _mm_alignr_epi8(cdab, efgh, 8);
    s[i].cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
    at[i] = blocks[i];
  }
  for (; block_count > 0; block_count--) {
    __m128i abef[2], cdgh[2];
    for (size_t i = 0; i < count; i++) {
      abef[i] = s[i].abef;
      cdgh[i] = s[i].cdgh;
      for (int j = 0; j < 4; j++)
        s[i].w[j] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(at[i] + 16 * j)), big_endian);
      at[i] += 64;
    }
    four_rounds(s, count, 0), four_rounds(s, count, 1);
    four_rounds(s, count, 2), four_rounds(s, count, 3);
    four_rounds(s, count, 4), four_rounds(s, count, 5);
    four_rounds(s, count, 6), four_rounds(s, count, 7);
    four_rounds(s, count, 8), four_rounds(s, count, 9);
    four_rounds(s, count, 10), four_rounds(s, count, 11);
    four_rounds(s, count, 12), four_rounds(s, count, 13);
    four_rounds(s, count, 14), four_rounds(s, count, 15);
    for (size_t i = 0; i < count; i++) {
      s[i].abef = _mm_add_epi32(s[i].abef, abef[i]);
      s[i].cdgh = _mm_add_epi32(s[i].cdgh, cdgh[i]);
    }
  }
  for (size_t i = 0; i < count; i++) {
    const __m128i feba = _mm_shuffle_epi32(s[i].abef, 0x1b);
    const __m128i dchg = _mm_shuffle_epi32(s[i].cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)states[i], _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(states[i] + 4), _mm_alignr_epi8(dchg, feba, 8));
  }
}

SHANI void cairn_sha256_1_shani(uint32_t (*states)[8], const uint8_t *const *blocks, size_t count) {
  hash(states, blocks, 1, count);
}

SHANI void cairn_sha256_2_shani(uint32_t (*states)[8], const uint8_t *const *blocks, size_t count) {
  hash(states, blocks, 2, count);
}

int cairn_sha256_has_avx2(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2");
}

#define LANES 8
#define LANES_TARGET "avx2"
#define LANES_FUNCTION cairn_sha256_8_avx2
#include "SHA256Lanes.h"

// Tests compile sixteen lanes for other instructions than AVX-512 where the machine has none.
#ifndef CAIRN_SHA256_WIDE
#define CAIRN_SHA256_WIDE "avx512f"
#endif

int cairn_sha256_has_avx512(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports(CAIRN_SHA256_WIDE);
}

#define LANES 16
#define LANES_TARGET CAIRN_SHA256_WIDE
#define LANES_FUNCTION cairn_sha256_16_avx512
#include "SHA256Lanes.h"

#endif
