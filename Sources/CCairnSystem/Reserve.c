#define _GNU_SOURCE
#include "CCairnSystem.h"

#include <errno.h>
#include <fcntl.h>

int cairn_reserve(int descriptor, int64_t offset, int64_t count) {
#if defined(FALLOC_FL_KEEP_SIZE)
  return fallocate(descriptor, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)count);
#else
  (void)descriptor, (void)offset, (void)count;
  errno = ENOTSUP;
  return -1;
#endif
}
