// What the ways to hash whole blocks of SHA-256 (FIPS 180-4) have in common; not for Swift.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
extern const uint32_t cairn_sha256_constants[64];

/// The most messages that any way takes at once.
enum { CAIRN_SHA256_MOST_LANES = 16 };

/// Before a loop of at most 16 rounds, whose words stay in registers only where each has its own code.
#if defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif

/// Takes `count` blocks of 64 bytes of each of several messages into their states; `blocks[i]` is
/// where those of message i begin, and `states[i]` its eight words. How many there are is the
/// function's own.
typedef void cairn_sha256_blocks(uint32_t (*states)[8], const uint8_t *const *blocks, size_t count);

#if defined(__x86_64__)
int cairn_sha256_has_shani(void);
cairn_sha256_blocks cairn_sha256_1_shani, cairn_sha256_2_shani;
int cairn_sha256_has_avx2(void);
cairn_sha256_blocks cairn_sha256_8_avx2;
int cairn_sha256_has_avx512(void);
cairn_sha256_blocks cairn_sha256_16_avx512;
#elif defined(__aarch64__)
int cairn_sha256_has_arm(void);
cairn_sha256_blocks cairn_sha256_1_arm, cairn_sha256_2_arm;
#endif
