// What a measurement needs of the system: memory used at most, fresh pages, allocations counted.
// Linux with glibc; elsewhere the figures are absent (-1) and the copies are ordinary ones.

#ifndef CAIRN_MEASURE_H
#define CAIRN_MEASURE_H

#include <stddef.h>
#include <stdint.h>

/// Gives freed memory back to the system, so that the next operation begins with fresh pages.
void cm_trim(void);

/// Begins anew to note the largest resident size.
void cm_reset_peak(void);

/// The resident size, in bytes, or -1.
int64_t cm_resident(void);

/// The largest resident size since `cm_reset_peak`, in bytes, or -1.
int64_t cm_peak(void);

/// Fresh anonymous pages on a 2-MiB boundary, never touched; NULL if there are none.
/// `huge`: pages of 2 MiB, where the system has them; else of 4 KiB.
void *cm_fresh_pages(size_t length, int huge);

/// Gives the pages back.
void cm_release_pages(void *pages, size_t length);

/// Begins to count what is asked of malloc and its like, and of anonymous mmap.
void cm_count_allocations(void);

/// Ends the counting. Bytes asked for since it began, or -1 where they can't be counted.
int64_t cm_allocated(void);

/// Whether all of `count` bytes from `address` on lie in a map of the file at `path`; -1 if unknown.
int cm_is_mapped(uint64_t address, uint64_t count, const char *path);

/// Makes standard output give each line at once, also into a pipe.
void cm_line_buffered(void);

#endif
