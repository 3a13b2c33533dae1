// SHA-256 (FIPS 180-4): blocks in plain C, and what is the same however blocks are hashed: choosing
// the way, cutting into blocks, padding.
#include "CCairnKernels.h"
#include "SHA256Blocks.h"
#include <string.h>

const uint32_t cairn_sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

// The same of the square roots of the first eight primes: the state before the first block.
static const uint32_t first_state[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

enum { BLOCK = 64, LENGTH_AT = 56, DIGEST = 32 };

static inline uint32_t right(uint32_t x, int by) { return x >> by | x << (32 - by); }

static inline uint32_t load_word(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline void store_word(uint8_t *bytes, uint32_t word) {
  for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(word >> (24 - 8 * i));
}

static void one_in_plain_c(uint32_t (*states)[8], const uint8_t *const *blocks, size_t count) {
  uint32_t *const state = states[0];
  const uint8_t *bytes = blocks[0];
  for (; count > 0; count--, bytes += BLOCK) {
    uint32_t w[16];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int start = 0; start < 64; start += 16) {
      UNROLLED for (int t = 0; t < 16; t++) {
        // Of the message schedule only the last 16 words are kept.
        if (start == 0) {
          w[t] = load_word(bytes + 4 * t);
        } else {
          const uint32_t x = w[(t + 1) & 15], y = w[(t + 14) & 15];
          w[t] += (right(x, 7) ^ right(x, 18) ^ x >> 3) + w[(t + 9) & 15] +
                  (right(y, 17) ^ right(y, 19) ^ y >> 10);
        }
        const uint32_t t1 = h + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + (g ^ (e & (f ^ g))) +
                            cairn_sha256_constants[start + t] + w[t];
        const uint32_t t2 = (right(a, 2) ^ right(a, 13) ^ right(a, 22)) + ((a & b) | (c & (a | b)));
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
      }
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
  }
}

// The functions of one way: for one message, and for several at once.
typedef struct {
  cairn_sha256_blocks *one;
  cairn_sha256_blocks *several;
  size_t lanes;
  // From this many messages on `several` is faster, even if some lanes stay empty.
  size_t least;
} way_of_hashing;

static way_of_hashing hashing(int32_t way) {
  const way_of_hashing plain = {one_in_plain_c, one_in_plain_c, 1, 1};
  switch (way) {
#if defined(__x86_64__)
    case CAIRN_SHA256_SHANI:
      return (way_of_hashing){cairn_sha256_1_shani, cairn_sha256_2_shani, 2, 2};
    case CAIRN_SHA256_AVX2: return (way_of_hashing){one_in_plain_c, cairn_sha256_8_avx2, 8, 3};
    case CAIRN_SHA256_AVX512:
      return (way_of_hashing){one_in_plain_c, cairn_sha256_16_avx512, 16, 3};
#elif defined(__aarch64__)
    case CAIRN_SHA256_ARM: return (way_of_hashing){cairn_sha256_1_arm, cairn_sha256_2_arm, 2, 2};
#endif
    default: return plain;
  }
}

// Asking takes microseconds on a virtual machine, so the answer is kept. Threads that ask at the same
// time get the same answer.
static uint32_t available(void) {
  static uint32_t kept = 0;
  uint32_t ways = __atomic_load_n(&kept, __ATOMIC_RELAXED);
  if (ways != 0) return ways;
  ways = 1u << CAIRN_SHA256_PLAIN;
#if defined(__x86_64__)
  if (cairn_sha256_has_shani()) ways |= 1u << CAIRN_SHA256_SHANI;
  if (cairn_sha256_has_avx2()) ways |= 1u << CAIRN_SHA256_AVX2;
  if (cairn_sha256_has_avx512()) ways |= 1u << CAIRN_SHA256_AVX512;
#elif defined(__aarch64__)
  if (cairn_sha256_has_arm()) ways |= 1u << CAIRN_SHA256_ARM;
#endif
  __atomic_store_n(&kept, ways, __ATOMIC_RELAXED);
  return ways;
}

int cairn_sha256_has(int32_t way) {
  return way >= 0 && way < CAIRN_SHA256_WAYS && (available() >> way & 1) != 0;
}

int32_t cairn_sha256_best(void) {
  // Instructions made for SHA-256 come before wide vectors: they are fast for a single message too,
  // and two messages go as fast as sixteen in vectors.
  static const int32_t by_speed[] = {CAIRN_SHA256_SHANI, CAIRN_SHA256_ARM, CAIRN_SHA256_AVX512,
                                     CAIRN_SHA256_AVX2};
  for (size_t i = 0; i < sizeof by_speed / sizeof *by_speed; i++)
    if (cairn_sha256_has(by_speed[i])) return by_speed[i];
  return CAIRN_SHA256_PLAIN;
}

// Writes what follows the whole blocks of a message of `byte_count` bytes, `rest`, as the one or two
// last blocks; returns how many.
static size_t pad(uint8_t *blocks, const uint8_t *rest, uint64_t byte_count) {
  const size_t held = byte_count % BLOCK, count = held < LENGTH_AT ? 1 : 2;
  memset(blocks, 0, count * BLOCK);
  if (held > 0) memcpy(blocks, rest, held);
  blocks[held] = 0x80;
  store_word(blocks + count * BLOCK - 8, (uint32_t)(byte_count >> 29));
  store_word(blocks + count * BLOCK - 4, (uint32_t)(byte_count << 3));
  return count;
}

static void store_digest(uint8_t *digest, const uint32_t *state) {
  for (int i = 0; i < 8; i++) store_word(digest + 4 * i, state[i]);
}

int32_t cairn_sha256_lanes(int32_t way) {
  return (int32_t)hashing(cairn_sha256_has(way) ? way : CAIRN_SHA256_PLAIN).lanes;
}

void cairn_sha256_begin(cairn_sha256_hash *hash, int32_t way) {
  memset(hash, 0, sizeof *hash);
  memcpy(hash->state, first_state, sizeof first_state);
  hash->way = cairn_sha256_has(way) ? way : CAIRN_SHA256_PLAIN;
}

void cairn_sha256_update(cairn_sha256_hash *hash, const uint8_t *bytes, size_t count) {
  if (count == 0) return;
  cairn_sha256_blocks *const one = hashing(hash->way).one;
  const size_t held = hash->count % BLOCK;
  hash->count += count;
  if (held > 0) {
    const size_t more = count < BLOCK - held ? count : BLOCK - held;
    memcpy(hash->rest + held, bytes, more);
    if (held + more < BLOCK) return;
    const uint8_t *const rest = hash->rest;
    one(&hash->state, &rest, 1);
    bytes += more;
    count -= more;
  }
  if (count >= BLOCK) one(&hash->state, &bytes, count / BLOCK);
  if (count % BLOCK > 0) memcpy(hash->rest, bytes + count / BLOCK * BLOCK, count % BLOCK);
}

void cairn_sha256_finish(const cairn_sha256_hash *hash, uint8_t *digest) {
  uint8_t last[2 * BLOCK];
  const uint8_t *const start = last;
  uint32_t state[1][8];
  memcpy(state[0], hash->state, sizeof hash->state);
  hashing(hash->way).one(state, &start, pad(last, hash->rest, hash->count));
  store_digest(digest, state[0]);
}

void cairn_sha256_many(int32_t way, const uint8_t *const *messages, size_t message_count,
                       size_t byte_count, uint8_t *digests) {
  const way_of_hashing how = hashing(cairn_sha256_has(way) ? way : CAIRN_SHA256_PLAIN);
  const size_t whole = byte_count / BLOCK;
  while (message_count > 0) {
    const int alone = message_count < how.least;
    const size_t lanes = alone ? 1 : how.lanes;
    cairn_sha256_blocks *const hash = alone ? how.one : how.several;
    const size_t own = message_count < lanes ? message_count : lanes;
    const uint8_t *blocks[CAIRN_SHA256_MOST_LANES];
    uint8_t last[CAIRN_SHA256_MOST_LANES][2 * BLOCK];
    uint32_t states[CAIRN_SHA256_MOST_LANES][8];
    for (size_t i = 0; i < lanes; i++) {
      // An empty lane hashes the first message again.
      blocks[i] = messages[i < own ? i : 0];
      memcpy(states[i], first_state, sizeof first_state);
    }
    if (whole > 0) hash(states, blocks, whole);
    size_t count = 1;
    for (size_t i = 0; i < lanes; i++) {
      count = pad(last[i], blocks[i] + whole * BLOCK, byte_count);
      blocks[i] = last[i];
    }
    hash(states, blocks, count);
    for (size_t i = 0; i < own; i++) store_digest(digests + DIGEST * i, states[i]);
    messages += own;
    message_count -= own;
    digests += DIGEST * own;
  }
}
