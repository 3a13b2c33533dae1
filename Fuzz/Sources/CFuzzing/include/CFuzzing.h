// What the fuzzers need from C: the allocation meter, libFuzzer's own mutator, and zlib as an
// implementation to compare with.
#pragma once

#include <stddef.h>
#include <stdint.h>

// MARK: - Allocation meter

/// Counts from now on what is allocated and how long the processor works.
///
/// More than `bytes` held at once end the process, where they are asked for. What is counted: every
/// malloc, calloc, realloc and aligned variant of the whole process (through the address sanitizer's
/// hooks, so those of the Swift runtime, zlib and BoringSSL too), and every mmap that the linked
/// code calls (the linker wraps them). What is freed is taken off again. Not counted: the stack, and
/// what the system's own libraries map for themselves.
void cairn_meter_start(size_t bytes, uint64_t nanoseconds, size_t input_count);

/// Stops counting, if it has not been stopped; more than the start's `nanoseconds` of processor time
/// end the process.
void cairn_meter_stop(void);

/// Writes `message` to standard error and ends the process as a crash, which libFuzzer records.
_Noreturn void cairn_fail(const char *message);

// MARK: - Files

/// The path of a file, in memory only, that holds `data` until the next call.
const char *cairn_file(const uint8_t *data, size_t count);

/// Writes a file called `name` into a folder of the process's own, in memory where the system has such.
///
/// \returns its path, which holds until the next call.
const char *cairn_companion(const char *name, const uint8_t *data, size_t count);

// MARK: - Mutation

/// Mutates `data` of `size` bytes in place with libFuzzer's own mutators.
///
/// \returns the new size, at most `capacity`.
size_t cairn_mutate(uint8_t *data, size_t size, size_t capacity);

// MARK: - zlib

uint32_t cairn_adler32(const uint8_t *data, size_t count);

/// Inflates with zlib's own reading of RFC 1950, the whole of `stored` in one call.
///
/// \returns 1 if the stream is valid, ends exactly with `stored` and gives exactly `count` bytes,
/// which are then in `target`; else 0.
int cairn_zlib_inflate(
  const uint8_t *stored, size_t stored_count, uint8_t *target, size_t count);

/// Inflates raw DEFLATE data as far as it goes.
///
/// \param end where the data ends in `stored`.
/// \returns the number of bytes in `target`, at most `capacity`; -1 unless the data came to its end.
ptrdiff_t cairn_raw_inflate(
  const uint8_t *stored, size_t stored_count, uint8_t *target, size_t capacity, size_t *end);

/// Compresses into an RFC 1950 stream with zlib's parameters as given.
///
/// \param cut the bytes after which to flush; `count` for none.
/// \param flush how: Z_PARTIAL_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH or Z_BLOCK.
/// \returns the number of bytes in `target`, or 0 if they do not fit.
size_t cairn_zlib_deflate(
  const uint8_t *bytes, size_t count, int level, int strategy, int window_bits, size_t cut,
  int flush, uint8_t *target, size_t capacity);
