// Counts what is allocated, by standing in front of the C library's own functions: an executable's
// `malloc` is the one that its libraries use too. glibc names the originals `__libc_…`.

#define _GNU_SOURCE
#include "measure.h"

#if defined(__linux__) && defined(__GLIBC__)

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static atomic_int is_counting;
static _Atomic int64_t bytes;

static void note(size_t size) {
  if (__builtin_expect(atomic_load_explicit(&is_counting, memory_order_relaxed), 0))
    atomic_fetch_add_explicit(&bytes, (int64_t)size, memory_order_relaxed);
}

void *malloc(size_t size) {
  note(size);
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  note(count * size);
  return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
  note(size);
  return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  note(size);
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
  note(size);
  void *block = __libc_memalign(alignment, size);
  if (!block) return ENOMEM;
  *result = block;
  return 0;
}

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
  if (flags & MAP_ANONYMOUS) note(length);
  return (void *)syscall(SYS_mmap, address, length, protection, flags, file, offset);
}

void cm_count_allocations(void) {
  atomic_store(&bytes, 0);
  atomic_store(&is_counting, 1);
}

int64_t cm_allocated(void) {
  atomic_store(&is_counting, 0);
  return atomic_load(&bytes);
}

#else

void cm_count_allocations(void) {}

int64_t cm_allocated(void) { return -1; }

#endif
