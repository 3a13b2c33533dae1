// zlib as the system has it. The wrappers give Swift the entry points that zlib offers as macros.
#pragma once
#include <zlib.h>

static inline int cairn_deflateInit2(z_streamp stream, int level, int windowBits, int memLevel,
                                     int strategy) {
  return deflateInit2(stream, level, Z_DEFLATED, windowBits, memLevel, strategy);
}

static inline int cairn_inflateInit2(z_streamp stream, int windowBits) {
  return inflateInit2(stream, windowBits);
}
