// The allocation meter.

#define _GNU_SOURCE
#include "CFuzzing.h"

#include <stdio.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static atomic_bool measuring;
static atomic_long held;
static atomic_long peak;
static long budget;
static size_t input;
static uint64_t begin;
static uint64_t time_budget;

/// What the inputs of at most 1 KiB, and those above, have cost at most.
static struct worst {
  long runs;
  long bytes;
  uint64_t nanoseconds;
} worsts[2];

_Noreturn void cairn_fail(const char *message) {
  atomic_store(&measuring, false);
  fprintf(stderr, "cairn-fuzz: %s\n", message);
  // As a failed precondition ends it: libFuzzer prints the stack and keeps the input.
  __builtin_trap();
}

static void took(size_t count) {
  if (!atomic_load_explicit(&measuring, memory_order_relaxed)) return;
  // A request beyond any address space is counted as the largest there is, not wrapped.
  long size = count > (size_t)1 << 60 ? (long)1 << 60 : (long)count;
  long now = atomic_fetch_add_explicit(&held, size, memory_order_relaxed) + size;
  if (now <= atomic_load_explicit(&peak, memory_order_relaxed)) return;
  atomic_store_explicit(&peak, now, memory_order_relaxed);
  if (now > budget) {
    char message[200];
    atomic_store(&measuring, false);
    snprintf(
      message, sizeof message,
      "over the budget: an input of %zu bytes holds %ld bytes, %ld are allowed; the last request "
      "was for %zu",
      input, now, budget, count);
    cairn_fail(message);
  }
}

static void gave_back(size_t count) {
  if (!atomic_load_explicit(&measuring, memory_order_relaxed)) return;
  atomic_fetch_sub_explicit(&held, (long)count, memory_order_relaxed);
}

// MARK: - malloc and its kin: the sanitizer's hooks

// Declared in sanitizer/allocator_interface.h; weak, so that a build without it links too.
extern int __sanitizer_install_malloc_and_free_hooks(
  void (*malloc_hook)(const volatile void *, size_t), void (*free_hook)(const volatile void *))
  __attribute__((weak));
extern size_t __sanitizer_get_allocated_size(const volatile void *p) __attribute__((weak));

static void malloc_hook(const volatile void *p, size_t count) {
  (void)p;
  took(count);
}

static void free_hook(const volatile void *p) {
  if (p) gave_back(__sanitizer_get_allocated_size(p));
}

__attribute__((constructor)) static void install(void) {
  if (__sanitizer_install_malloc_and_free_hooks)
    __sanitizer_install_malloc_and_free_hooks(malloc_hook, free_hook);
}

// MARK: - mmap: wrapped by the linker (--wrap)

extern void *__real_mmap(void *, size_t, int, int, int, off_t);
extern int __real_munmap(void *, size_t);

/// Pages that nobody may touch hold nothing: so the library asks whether there is room, and gives them
/// back at once.
static _Thread_local void *reserved;

void *__wrap_mmap(void *at, size_t count, int protection, int flags, int file, off_t offset) {
  if (protection == PROT_NONE) return reserved = __real_mmap(at, count, protection, flags, file, offset);
  took(count);
  return __real_mmap(at, count, protection, flags, file, offset);
}

int __wrap_munmap(void *at, size_t count) {
  if (at == reserved)
    reserved = NULL;
  else
    gave_back(count);
  return __real_munmap(at, count);
}

/// Ends the process if what is taken is not seen: a meter that is not connected finds nothing.
static void check_meter(void) {
  static bool is_checked;
  if (is_checked) return;
  is_checked = true;
  const size_t count = 1 << 20;
  budget = (long)(4 * count);
  atomic_store(&held, 0);
  atomic_store(&measuring, true);
  void *volatile block = malloc(count);
  void *pages = mmap(NULL, count, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  long most = atomic_load(&held);
  free(block);
  munmap(pages, count);
  atomic_store(&measuring, false);
  if (most < (long)(2 * count) || atomic_load(&held) > (long)count)
    cairn_fail("the allocation meter does not count: build with the address sanitizer");
}

// MARK: - One run

static uint64_t processor_time(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void cairn_meter_start(size_t bytes, uint64_t nanoseconds, size_t input_count) {
  check_meter();
  budget = (long)bytes;
  input = input_count;
  begin = processor_time();
  time_budget = nanoseconds;
  atomic_store(&held, 0);
  atomic_store(&peak, 0);
  atomic_store(&measuring, true);
}

void cairn_meter_stop(void) {
  if (!atomic_exchange(&measuring, false)) return;
  long most = atomic_load(&peak);
  uint64_t time = processor_time() - begin;
  struct worst *worst = &worsts[input > 1024];
  worst->runs++;
  if (most > worst->bytes) worst->bytes = most;
  if (time > worst->nanoseconds) worst->nanoseconds = time;
  if (time > time_budget) {
    char message[200];
    snprintf(
      message, sizeof message, "over the time: an input of %zu bytes took %llu ms, %llu are allowed",
      input, (unsigned long long)time / 1000000, (unsigned long long)time_budget / 1000000);
    cairn_fail(message);
  }
}

__attribute__((destructor)) static void report(void) {
  static const char *const names[] = {"up to 1 KiB", "above 1 KiB"};
  for (int i = 0; i < 2; i++) {
    if (worsts[i].runs == 0) continue;
    fprintf(
      stderr, "cairn-fuzz: %ld runs with inputs %s: at most %ld bytes held at once, %llu us\n",
      worsts[i].runs, names[i], worsts[i].bytes, (unsigned long long)worsts[i].nanoseconds / 1000);
  }
}
