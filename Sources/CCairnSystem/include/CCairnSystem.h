// What the system's C library declares for programs that ask for it only, which Swift's does not.
#pragma once
#include <stdint.h>

/// Takes room on the disk for `count` bytes from `offset` on, and leaves the file's length as it is:
/// 0, or -1 with the reason in errno; ENOTSUP where there is no such call. See fallocate(2),
/// FALLOC_FL_KEEP_SIZE.
int cairn_reserve(int descriptor, int64_t offset, int64_t count);
