// The memory of this process, as the kernel counts it, and pages of its own.

#define _GNU_SOURCE
#include "measure.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

void cm_trim(void) {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

void cm_reset_peak(void) {
  // Linux: 5 resets VmHWM, the "high-water mark" (proc(5)).
  int file = open("/proc/self/clear_refs", O_WRONLY);
  if (file < 0) return;
  ssize_t written = write(file, "5", 1);
  (void)written;
  close(file);
}

/// A line of /proc/self/status that gives kilobytes, in bytes.
static int64_t status_line(const char *key) {
  char text[8192];
  int file = open("/proc/self/status", O_RDONLY);
  if (file < 0) return -1;
  ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  if (count <= 0) return -1;
  text[count] = 0;
  const char *line = strstr(text, key);
  return line ? strtoll(line + strlen(key), NULL, 10) * 1024 : -1;
}

int64_t cm_resident(void) { return status_line("VmRSS:"); }

int64_t cm_peak(void) { return status_line("VmHWM:"); }

void *cm_fresh_pages(size_t length, int huge) {
  const size_t boundary = (size_t)2 << 20;
  size_t padded = length + boundary;
  char *map = mmap(NULL, padded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (map == MAP_FAILED) return NULL;
  size_t skip = (boundary - (uintptr_t)map % boundary) % boundary;
  if (skip > 0) munmap(map, skip);
  // The margin behind stays mapped up to the next page, untouched.
  size_t end = (skip + length + 4095) / 4096 * 4096;
  if (padded > end) munmap(map + end, padded - end);
#if defined(__linux__)
  madvise(map + skip, length, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#endif
  return map + skip;
}

void cm_release_pages(void *pages, size_t length) { munmap(pages, (length + 4095) / 4096 * 4096); }

int cm_is_mapped(uint64_t address, uint64_t count, const char *path) {
  FILE *maps = fopen("/proc/self/maps", "r");
  if (!maps) return -1;
  char wanted[4096], line[8192];
  if (!realpath(path, wanted)) wanted[0] = 0;
  int found = 0;
  while (!found && fgets(line, sizeof line, maps)) {
    char *end = NULL;
    uint64_t from = strtoull(line, &end, 16);
    uint64_t to = *end == '-' ? strtoull(end + 1, NULL, 16) : 0;
    line[strcspn(line, "\n")] = 0;
    const char *name = strchr(line, '/');
    found = name && strcmp(name, wanted) == 0 && from <= address && address + count <= to;
  }
  fclose(maps);
  return found;
}

void cm_line_buffered(void) { setvbuf(stdout, NULL, _IOLBF, 0); }
