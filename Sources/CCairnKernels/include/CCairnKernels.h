// Loops that need instructions beyond the architecture's baseline. Callers must have checked that
// the machine has them. Each works on whole blocks only. Swift code or zlib handles the rest, and
// everything on other machines, with the same results. SHA-256, at the end, is complete and runs on
// every machine. So do the products of `CairnProducts.h`.
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

/// The ways to hash with SHA-256; all give the same digests.
enum {
  CAIRN_SHA256_PLAIN = 0,
  /// x86-64's instructions for it, two messages at once.
  CAIRN_SHA256_SHANI = 1,
  /// Eight messages at once, and one at a time in plain C.
  CAIRN_SHA256_AVX2 = 2,
  /// Sixteen.
  CAIRN_SHA256_AVX512 = 3,
  /// ARMv8's instructions for it, two messages at once.
  CAIRN_SHA256_ARM = 4,
  CAIRN_SHA256_WAYS = 5,
};

/// Whether this machine has what the way needs.
int cairn_sha256_has(int32_t way);

/// The quickest way that this machine has.
int32_t cairn_sha256_best(void);

/// How many messages the way takes at once.
int32_t cairn_sha256_lanes(int32_t way);

/// A hash of a message that comes in parts.
typedef struct {
  uint32_t state[8];
  /// The bytes so far, of which those after the last whole block are in `rest`.
  uint64_t count;
  uint8_t rest[64];
  int32_t way;
} cairn_sha256_hash;

/// A way that the machine lacks becomes plain C.
void cairn_sha256_begin(cairn_sha256_hash *_Nonnull hash, int32_t way);
void cairn_sha256_update(cairn_sha256_hash *_Nonnull hash, const uint8_t *_Nonnull bytes,
                         size_t count);
/// Writes the 32 bytes of the digest; the hash stays as it is and can go on.
void cairn_sha256_finish(const cairn_sha256_hash *_Nonnull hash, uint8_t *_Nonnull digest);

/// Writes the digests of `message_count` messages of `byte_count` bytes each, 32 bytes a message.
void cairn_sha256_many(int32_t way, const uint8_t *_Nonnull const *_Nonnull messages,
                       size_t message_count, size_t byte_count, uint8_t *_Nonnull digests);

#include "CairnProducts.h"
