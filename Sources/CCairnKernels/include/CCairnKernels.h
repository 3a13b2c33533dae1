// Loops that need instructions beyond the architecture's baseline, for whoever has made sure that
// the machine has them. Each works on whole blocks only: what is left over, and all of it on other
// machines, is done in Swift or by zlib, with the same results.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// The bits of `cairn_kernels_available`.
enum {
  /// PCLMULQDQ and SSE4.1: `cairn_crc32_fold`.
  CAIRN_KERNELS_CRC32 = 1,
  /// AVX2: what has it in its name.
  CAIRN_KERNELS_AVX2 = 2,
  /// AVX-512 F and VPCLMULQDQ: `cairn_crc32_fold_avx512`.
  CAIRN_KERNELS_CRC32_AVX512 = 4,
  /// AVX-512 F, BW and VBMI: the other functions with AVX-512 in their names.
  CAIRN_KERNELS_AVX512 = 8,
};

/// What this machine has; 0 on anything but x86-64.
uint32_t cairn_kernels_available(void);

/// Reduces `count` bytes, a multiple of 64 and at least 64, to the 16 bytes `remainder` that have
/// the same CRC-32 state if they follow a state of 0. `state` is the one that `bytes` follow:
/// the complement of the CRC-32 so far.
void cairn_crc32_fold(uint32_t state, const uint8_t *_Nonnull bytes, size_t count,
                      uint8_t *_Nonnull remainder);

/// The same for at least 256 bytes.
void cairn_crc32_fold_avx512(uint32_t state, const uint8_t *_Nonnull bytes, size_t count,
                             uint8_t *_Nonnull remainder);

/// The Adler-32 of `count` bytes, a multiple of 64, after `adler`.
uint32_t cairn_adler32_avx2(uint32_t adler, const uint8_t *_Nonnull bytes, size_t count);

/// Writes byte j of each of `count` elements, a multiple of 32, to `planes[j]`. With `rotated` each
/// element is rotated left by one bit before.
void cairn_split2_avx2(const uint8_t *_Nonnull elements, size_t count, int rotated,
                       uint8_t *_Nonnull const *_Nonnull planes);
void cairn_split4_avx2(const uint8_t *_Nonnull elements, size_t count, int rotated,
                       uint8_t *_Nonnull const *_Nonnull planes);

/// The inverse.
void cairn_join2_avx2(const uint8_t *_Nonnull const *_Nonnull planes, size_t count, int rotated,
                      uint8_t *_Nonnull elements);
void cairn_join4_avx2(const uint8_t *_Nonnull const *_Nonnull planes, size_t count, int rotated,
                      uint8_t *_Nonnull elements);

/// Where a stream of bits goes on: what does not fill a byte yet, at most 7 bits, and the byte that
/// they belong to.
typedef struct {
  uint64_t bits;
  uint64_t held;
  uint8_t *_Nonnull end;
} cairn_bit_place;

/// Writes the codes of 64 of the `count` symbols a round, as many rounds as begin at `limit` or before
/// it; 104 bytes from where a round begins may be written. Returns the number of symbols written.
///
/// `tables` are three of 64 bytes: the low bytes of the codes, the first bit lowest, of symbols
/// `lowest` to `lowest` + 63; the high bytes; the lengths, at most 12. There must be no others.
size_t cairn_put_64_literals_avx512(const uint8_t *_Nonnull symbols, size_t count, uint8_t lowest,
                                    const uint8_t *_Nonnull tables, const uint8_t *_Nonnull limit,
                                    cairn_bit_place *_Nonnull place);
/// The same with tables of 256 bytes, for all symbols.
size_t cairn_put_256_literals_avx512(const uint8_t *_Nonnull symbols, size_t count,
                                     const uint8_t *_Nonnull tables,
                                     const uint8_t *_Nonnull limit,
                                     cairn_bit_place *_Nonnull place);
