// Blocks of SHA-256 by the instructions that ARMv8 has for it.
#include "SHA256Blocks.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#if defined(__ARM_FEATURE_SHA2) || defined(__ARM_FEATURE_CRYPTO)
// All machines that this is compiled for have them.
#define SHA2
int cairn_sha256_has_arm(void) { return 1; }
#else
#if defined(__clang__)
#define SHA2 __attribute__((target("sha2")))
#else
#define SHA2 __attribute__((target("+sha2")))
#endif
#if defined(__linux__)
#include <sys/auxv.h>
int cairn_sha256_has_arm(void) {
  // HWCAP_SHA2 of the kernel's <asm/hwcap.h>.
  return (getauxval(AT_HWCAP) >> 6 & 1) != 0;
}
#else
int cairn_sha256_has_arm(void) { return 0; }
#endif
#endif

#define INLINE static inline __attribute__((always_inline))

// One message's state, and the last 16 words of its schedule.
typedef struct {
  uint32x4_t abcd, efgh, w[4];
} stream;

// Four rounds, number `quad` of 16. The words that they take are w[quad mod 4], in whose place come
// those of the quad four later.
SHA2 INLINE void four_rounds(stream *s, size_t count, const int quad) {
  const uint32x4_t constants = vld1q_u32(cairn_sha256_constants + 4 * quad);
  for (size_t i = 0; i < count; i++) {
    uint32x4_t *const w = s[i].w;
    const uint32x4_t sums = vaddq_u32(w[quad & 3], constants), abcd = s[i].abcd;
    if (quad < 12)
      w[quad & 3] = vsha256su1q_u32(vsha256su0q_u32(w[quad & 3], w[(quad + 1) & 3]),
                                    w[(quad + 2) & 3], w[(quad + 3) & 3]);
    s[i].abcd = vsha256hq_u32(abcd, s[i].efgh, sums);
    s[i].efgh = vsha256h2q_u32(s[i].efgh, abcd, sums);
  }
}

// The latency of one message's rounds leaves room for those of another: `count` is 1 or 2.
SHA2 INLINE void hash(uint32_t (*states)[8], const uint8_t *const *blocks, const size_t count,
                      size_t block_count) {
  stream s[2];
  const uint8_t *at[2];
  for (size_t i = 0; i < count; i++) {
    s[i].abcd = vld1q_u32(states[i]);
    s[i].efgh = vld1q_u32(states[i] + 4);
    at[i] = blocks[i];
  }
  for (; block_count > 0; block_count--) {
    uint32x4_t abcd[2], efgh[2];
    for (size_t i = 0; i < count; i++) {
      abcd[i] = s[i].abcd;
      efgh[i] = s[i].efgh;
      for (int j = 0; j < 4; j++)
        s[i].w[j] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(at[i] + 16 * j)));
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
      s[i].abcd = vaddq_u32(s[i].abcd, abcd[i]);
      s[i].efgh = vaddq_u32(s[i].efgh, efgh[i]);
    }
  }
  for (size_t i = 0; i < count; i++) {
    vst1q_u32(states[i], s[i].abcd);
    vst1q_u32(states[i] + 4, s[i].efgh);
  }
}

SHA2 void cairn_sha256_1_arm(uint32_t (*states)[8], const uint8_t *const *blocks, size_t count) {
  hash(states, blocks, 1, count);
}

SHA2 void cairn_sha256_2_arm(uint32_t (*states)[8], const uint8_t *const *blocks, size_t count) {
  hash(states, blocks, 2, count);
}

#endif
