// zlib, as the sums that the forge writes and as a decoder to compare ours with.

#include "CFuzzing.h"

#include <string.h>
#include <zlib.h>

// Weak: the forge is also tested where there is no libFuzzer.
extern size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t capacity)
  __attribute__((weak));

size_t cairn_mutate(uint8_t *data, size_t size, size_t capacity) {
  return LLVMFuzzerMutate ? LLVMFuzzerMutate(data, size, capacity) : size;
}

uint32_t cairn_adler32(const uint8_t *data, size_t count) {
  return count == 0 ? 1 : (uint32_t)adler32_z(1, data, count);
}

int cairn_zlib_inflate(
  const uint8_t *stored, size_t stored_count, uint8_t *target, size_t count) {
  z_stream stream;
  memset(&stream, 0, sizeof stream);
  if (inflateInit(&stream) != Z_OK) return 0;
  // One byte more than there should be: a stream that gives more is not taken for one that fits.
  uint8_t more;
  stream.next_in = (Bytef *)stored;
  stream.avail_in = (uInt)stored_count;
  stream.next_out = count > 0 ? target : &more;
  stream.avail_out = (uInt)count;
  int result = inflate(&stream, Z_NO_FLUSH);
  size_t given = stream.total_out;
  if (result == Z_OK || result == Z_BUF_ERROR) {
    if (given == count) {
      stream.next_out = &more;
      stream.avail_out = 1;
      result = inflate(&stream, Z_NO_FLUSH);
      given = stream.total_out;
    }
  }
  int valid = result == Z_STREAM_END && given == count && stream.avail_in == 0;
  inflateEnd(&stream);
  return valid;
}

ptrdiff_t cairn_raw_inflate(
  const uint8_t *stored, size_t stored_count, uint8_t *target, size_t capacity, size_t *end) {
  z_stream stream;
  memset(&stream, 0, sizeof stream);
  if (inflateInit2(&stream, -15) != Z_OK) return -1;
  stream.next_in = (Bytef *)stored;
  stream.avail_in = (uInt)stored_count;
  stream.next_out = target;
  stream.avail_out = (uInt)capacity;
  int result = inflate(&stream, Z_FINISH);
  *end = stored_count - stream.avail_in;
  ptrdiff_t count = result == Z_STREAM_END ? (ptrdiff_t)stream.total_out : -1;
  inflateEnd(&stream);
  return count;
}

size_t cairn_zlib_deflate(
  const uint8_t *bytes, size_t count, int level, int strategy, int window_bits, size_t cut,
  int flush, uint8_t *target, size_t capacity) {
  z_stream stream;
  memset(&stream, 0, sizeof stream);
  if (deflateInit2(&stream, level, Z_DEFLATED, window_bits, 8, strategy) != Z_OK) return 0;
  stream.next_out = target;
  stream.avail_out = (uInt)capacity;
  stream.next_in = (Bytef *)bytes;
  if (cut < count) {
    stream.avail_in = (uInt)cut;
    deflate(&stream, flush);
    // What it has not taken yet stays.
    stream.avail_in += (uInt)(count - cut);
  } else {
    stream.avail_in = (uInt)count;
  }
  int result = deflate(&stream, Z_FINISH);
  size_t written = result == Z_STREAM_END ? stream.total_out : 0;
  deflateEnd(&stream);
  return written;
}
