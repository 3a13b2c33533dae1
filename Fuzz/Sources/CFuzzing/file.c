// A file for readers that take a path.

#define _GNU_SOURCE
#include "CFuzzing.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

const char *cairn_file(const uint8_t *data, size_t count) {
  static int file = -1;
  static char path[40];
  if (file < 0) {
    file = memfd_create("cairn-fuzz", MFD_CLOEXEC);
    if (file < 0) cairn_fail("there is no file in memory to be had");
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  }
  if (ftruncate(file, 0) != 0 || pwrite(file, data, count, 0) != (ssize_t)count)
    cairn_fail("the file in memory cannot be written");
  return path;
}
