// Writing literals' codes, 64 symbols at a time.
#include "CCairnKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi")))

typedef cairn_bit_place place;

// Puts a code of at most 56 bits; stores eight bytes.
static inline place put(place to, uint64_t code, uint64_t length) {
  to.bits |= code << to.held;
  to.held += length;
  memcpy(to.end, &to.bits, 8);
  to.end += to.held >> 3;
  to.bits >>= to.held & 56;
  to.held &= 7;
  return to;
}

// A table of 64 or 256 bytes, in registers.
typedef struct {
  __m512i part[4];
} table;

AVX512 static inline table load(const uint8_t *bytes, int wide) {
  table result;
  for (int i = 0; i < 4; i++)
    result.part[i] = _mm512_loadu_si512(bytes + (wide ? 64 * i : 0));
  return result;
}

AVX512 static inline __m512i look_up(table from, __m512i at, int wide) {
  if (!wide) return _mm512_permutexvar_epi8(at, from.part[0]);
  return _mm512_mask_blend_epi8(_mm512_movepi8_mask(at),
                                _mm512_permutex2var_epi8(from.part[0], at, from.part[1]),
                                _mm512_permutex2var_epi8(from.part[2], at, from.part[3]));
}

// Neighbours' codes are joined three times over: in 32 bits two codes of at most 12, in 64 bits four,
// and eight where they have 56 bits at most.
AVX512 static inline size_t put_literals(const uint8_t *symbols, size_t count, uint8_t lowest,
                                         const uint8_t *tables, const uint8_t *limit,
                                         cairn_bit_place *at, int wide) {
  const size_t size = wide ? 256 : 64;
  const table low = load(tables, wide), high = load(tables + size, wide);
  const table lengths = load(tables + 2 * size, wide);
  const __m512i first = _mm512_set1_epi8((char)lowest);
  const __m512i bytes = _mm512_set1_epi16(0xff), words = _mm512_set1_epi32(0xffff);
  const __m512i halves = _mm512_set1_epi64(0xffffffff);
  place to = *at;
  size_t done = 0;
  for (; done + 64 <= count && to.end <= limit; done += 64) {
    const __m512i symbol = _mm512_sub_epi8(_mm512_loadu_si512(symbols + done), first);
    const __m512i l = look_up(low, symbol, wide), h = look_up(high, symbol, wide);
    const __m512i n = look_up(lengths, symbol, wide);
    // In each 16 bits the code of a symbol with an even number, of the one after it, their lengths.
    const __m512i even = _mm512_or_si512(_mm512_and_si512(l, bytes), _mm512_slli_epi16(h, 8));
    const __m512i odd = _mm512_or_si512(_mm512_srli_epi16(l, 8), _mm512_andnot_si512(bytes, h));
    const __m512i even_length = _mm512_and_si512(n, bytes);
    const __m512i two_length = _mm512_add_epi16(even_length, _mm512_srli_epi16(n, 8));
    // In each 32 bits two codes, the two after them, and their lengths.
    const __m512i a = _mm512_or_si512(
        _mm512_and_si512(even, words),
        _mm512_sllv_epi32(_mm512_and_si512(odd, words), _mm512_and_si512(even_length, words)));
    const __m512i b = _mm512_or_si512(
        _mm512_srli_epi32(even, 16),
        _mm512_sllv_epi32(_mm512_srli_epi32(odd, 16), _mm512_srli_epi32(even_length, 16)));
    const __m512i a_length = _mm512_and_si512(two_length, words);
    const __m512i four_length = _mm512_add_epi32(a_length, _mm512_srli_epi32(two_length, 16));
    // In each 64 bits four codes, the four after them, and their lengths.
    const __m512i c = _mm512_or_si512(
        _mm512_and_si512(a, halves),
        _mm512_sllv_epi64(_mm512_and_si512(b, halves), _mm512_and_si512(a_length, halves)));
    const __m512i d = _mm512_or_si512(
        _mm512_srli_epi64(a, 32),
        _mm512_sllv_epi64(_mm512_srli_epi64(b, 32), _mm512_srli_epi64(a_length, 32)));
    const __m512i c_length = _mm512_and_si512(four_length, halves);
    const __m512i d_length = _mm512_srli_epi64(four_length, 32);
    const __m512i length = _mm512_add_epi64(c_length, d_length);
    uint64_t codes[16], counts[16];
    if (_mm512_cmpgt_epu64_mask(length, _mm512_set1_epi64(56)) == 0) {
      _mm512_storeu_si512(codes, _mm512_or_si512(c, _mm512_sllv_epi64(d, c_length)));
      _mm512_storeu_si512(counts, length);
      for (int i = 0; i < 8; i++) to = put(to, codes[i], counts[i]);
    } else {
      _mm512_storeu_si512(codes, c);
      _mm512_storeu_si512(counts, c_length);
      _mm512_storeu_si512(codes + 8, d);
      _mm512_storeu_si512(counts + 8, d_length);
      for (int i = 0; i < 8; i++) {
        to = put(to, codes[i], counts[i]);
        to = put(to, codes[i + 8], counts[i + 8]);
      }
    }
  }
  *at = to;
  return done;
}

AVX512 size_t cairn_put_64_literals_avx512(const uint8_t *symbols, size_t count, uint8_t lowest,
                                           const uint8_t *tables, const uint8_t *limit,
                                           cairn_bit_place *place) {
  return put_literals(symbols, count, lowest, tables, limit, place, 0);
}

AVX512 size_t cairn_put_256_literals_avx512(const uint8_t *symbols, size_t count,
                                            const uint8_t *tables, const uint8_t *limit,
                                            cairn_bit_place *place) {
  return put_literals(symbols, count, 0, tables, limit, place, 1);
}

#else

size_t cairn_put_64_literals_avx512(const uint8_t *symbols, size_t count, uint8_t lowest,
                                    const uint8_t *tables, const uint8_t *limit,
                                    cairn_bit_place *place) {
  (void)symbols, (void)count, (void)lowest, (void)tables, (void)limit, (void)place;
  return 0;
}

size_t cairn_put_256_literals_avx512(const uint8_t *symbols, size_t count, const uint8_t *tables,
                                     const uint8_t *limit, cairn_bit_place *place) {
  (void)symbols, (void)count, (void)tables, (void)limit, (void)place;
  return 0;
}

#endif
