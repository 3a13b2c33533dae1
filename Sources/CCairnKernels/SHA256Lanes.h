// Blocks of SHA-256 of `LANES` messages at once, 8 or 16, a message in each lane of a vector. Included
// once for each set of instructions, in vectors of the compiler's: it knows how to rotate and select
// with what `LANES_TARGET` has.
#define LANES_JOINED(a, b) a##b
#define LANES_NAME(a, b) LANES_JOINED(a, b)
#define WORDS LANES_NAME(words_of_, LANES)
#define TRANSPOSE LANES_NAME(transpose_, LANES)

#ifndef LANES_COMMON
#define LANES_COMMON
typedef uint32_t words_of_8 __attribute__((vector_size(32)));
typedef uint32_t words_of_16 __attribute__((vector_size(64)));
typedef uint8_t bytes_of_32 __attribute__((vector_size(32)));

// Of the two halves of 16 bytes that `x` and `y` have: words or pairs of words by turns from both.
#define LOW_WORDS(x, y) __builtin_shufflevector(x, y, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH_WORDS(x, y) __builtin_shufflevector(x, y, 2, 10, 3, 11, 6, 14, 7, 15)
#define LOW_PAIRS(x, y) __builtin_shufflevector(x, y, 0, 1, 8, 9, 4, 5, 12, 13)
#define HIGH_PAIRS(x, y) __builtin_shufflevector(x, y, 2, 3, 10, 11, 6, 7, 14, 15)
#define LOW_HALVES(x, y) __builtin_shufflevector(x, y, 0, 1, 2, 3, 8, 9, 10, 11)
#define HIGH_HALVES(x, y) __builtin_shufflevector(x, y, 4, 5, 6, 7, 12, 13, 14, 15)
#define SWAPPED(x) \
  (words_of_8) __builtin_shufflevector(                                                            \
      (bytes_of_32)(x), (bytes_of_32)(x), 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12,    \
      19, 18, 17, 16, 23, 22, 21, 20, 27, 26, 25, 24, 31, 30, 29, 28)

#define RIGHT(x, by) ((x) >> (by) | (x) << (32 - (by)))

// Word i of eight messages, from `offset` on, to `words[i]`.
INLINE void transpose_8(words_of_8 *words, const uint8_t *const *blocks, size_t offset) {
  words_of_8 x[8], y[8];
  for (int i = 0; i < 8; i++) {
    __builtin_memcpy(x + i, blocks[i] + offset, 32);
    x[i] = SWAPPED(x[i]);
  }
  for (int i = 0; i < 8; i += 2) {
    y[i] = LOW_WORDS(x[i], x[i + 1]);
    y[i + 1] = HIGH_WORDS(x[i], x[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    x[i] = LOW_PAIRS(y[i], y[i + 2]);
    x[i + 1] = HIGH_PAIRS(y[i], y[i + 2]);
    x[i + 2] = LOW_PAIRS(y[i + 1], y[i + 3]);
    x[i + 3] = HIGH_PAIRS(y[i + 1], y[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    words[i] = LOW_HALVES(x[i], x[i + 4]);
    words[i + 4] = HIGH_HALVES(x[i], x[i + 4]);
  }
}

INLINE void transpose_16(words_of_16 *words, const uint8_t *const *blocks, size_t offset) {
  words_of_8 x[8], y[8];
  transpose_8(x, blocks, offset);
  transpose_8(y, blocks + 8, offset);
  for (int i = 0; i < 8; i++)
    words[i] = __builtin_shufflevector(x[i], y[i], 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
                                       15);
}
#endif

__attribute__((target(LANES_TARGET))) void LANES_FUNCTION(uint32_t (*states)[8],
                                                          const uint8_t *const *blocks,
                                                          size_t count) {
  // Word i of all messages' states, and the last 16 words of their schedules.
  WORDS state[8], w[16];
  for (int i = 0; i < 8; i++)
    for (int lane = 0; lane < LANES; lane++) state[i][lane] = states[lane][i];
  for (size_t offset = 0; count > 0; count--, offset += 64) {
    TRANSPOSE(w, blocks, offset);
    TRANSPOSE(w + 8, blocks, offset + 32);
    WORDS a = state[0], b = state[1], c = state[2], d = state[3];
    WORDS e = state[4], f = state[5], g = state[6], h = state[7];
    for (int start = 0; start < 64; start += 16) {
      UNROLLED for (int t = 0; t < 16; t++) {
        if (start > 0) {
          const WORDS x = w[(t + 1) & 15], y = w[(t + 14) & 15];
          w[t] += (RIGHT(x, 7) ^ RIGHT(x, 18) ^ x >> 3) + w[(t + 9) & 15] +
                  (RIGHT(y, 17) ^ RIGHT(y, 19) ^ y >> 10);
        }
        const WORDS t1 = h + (RIGHT(e, 6) ^ RIGHT(e, 11) ^ RIGHT(e, 25)) + (g ^ (e & (f ^ g))) +
                         cairn_sha256_constants[start + t] + w[t];
        const WORDS t2 = (RIGHT(a, 2) ^ RIGHT(a, 13) ^ RIGHT(a, 22)) + ((a & b) | (c & (a | b)));
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
      }
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
  }
  for (int i = 0; i < 8; i++)
    for (int lane = 0; lane < LANES; lane++) states[lane][i] = state[i][lane];
}

#undef LANES_JOINED
#undef LANES_NAME
#undef WORDS
#undef TRANSPOSE
#undef LANES
#undef LANES_TARGET
#undef LANES_FUNCTION
