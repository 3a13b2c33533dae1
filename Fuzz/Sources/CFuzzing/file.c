// A file for readers that take a path.

#define _GNU_SOURCE
#include "CFuzzing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

const char *cairn_companion(const char *name, const uint8_t *data, size_t count) {
  static char folder[40] = "";
  static char path[128];
  if (!folder[0]) {
    strcpy(folder, "/dev/shm/cairn-fuzz-XXXXXX");
    if (!mkdtemp(folder)) {
      strcpy(folder, "/tmp/cairn-fuzz-XXXXXX");
      if (!mkdtemp(folder)) cairn_fail("there is no folder to be had");
    }
  }
  snprintf(path, sizeof path, "%s/%s", folder, name);
  // A new file each time, as what replaces files does: a map of the old one stays what it was.
  unlink(path);
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(data, 1, count, file) != count || fclose(file) != 0)
    cairn_fail("a file cannot be written");
  return path;
}
