// What windows over a tensor cover: copied to patches, or the largest value or the mean of it.
#include "WindowTaps.h"

// Where bytes go on: those of a patch from `first` to `end`, of which `at` are done with.
typedef struct {
  uint8_t *to;
  size_t at, first, end;
} cairn_patch;

// Adds `count` bytes of the patch, zeros without a source, as far as they are asked for.
static inline void add(cairn_patch *patch, const uint8_t *from, size_t count) {
  const size_t start = patch->at, end = start + count;
  patch->at = end;
  const size_t low = start > patch->first ? start : patch->first;
  const size_t high = end < patch->end ? end : patch->end;
  if (low >= high) return;
  if (from) {
    __builtin_memcpy(patch->to, from + (low - start), high - low);
  } else {
    __builtin_memset(patch->to, 0, high - low);
  }
  patch->to += high - low;
}

void cairn_gather_patches(const cairn_windows *windows, const uint8_t *source, size_t place,
                          size_t offset, size_t run, size_t window, size_t count, size_t first,
                          size_t end, uint8_t *patches) {
  const size_t height = windows->kernel[1], width = windows->kernel[2];
  if (run == 0 || first >= end) return;
  // Rows of taps, of which only those with bytes that are asked for are gone through.
  const size_t first_line = first / (width * run), end_line = (end - 1) / (width * run) + 1;
  // Neighbouring taps are neighbours in the source too.
  const int is_dense = run == place && windows->dilation[2] == 1;
  for (; count > 0; count--, window++) {
    const cairn_window at = cairn_window_at(windows, window);
    cairn_patch patch = {patches, first_line * width * run, first, end};
    for (size_t line = first_line; line < end_line; line++) {
      const size_t d = line / height, h = line % height;
      if (d < at.first[0] || d >= at.end[0] || h < at.first[1] || h >= at.end[1]) {
        add(&patch, 0, width * run);
        continue;
      }
      const size_t row = at.base + (cairn_window_place(&at, 0, d) * windows->input[1] +
                                    cairn_window_place(&at, 1, h)) *
                                       windows->input[2];
      add(&patch, 0, at.first[2] * run);
      if (is_dense && at.first[2] < at.end[2]) {
        add(&patch, source + (row + cairn_window_place(&at, 2, at.first[2])) * place,
            (at.end[2] - at.first[2]) * run);
      } else {
        for (size_t w = at.first[2]; w < at.end[2]; w++)
          add(&patch, source + (row + cairn_window_place(&at, 2, w)) * place + offset, run);
      }
      add(&patch, 0, (width - at.end[2]) * run);
    }
    patches = patch.to;
  }
}

#define FUNCTIONS(suffix, scalar)                                                                  \
  void cairn_pool_##suffix(int32_t function, const cairn_windows *windows, const scalar *source,   \
                           size_t channels, size_t window, size_t count,                           \
                           scalar *restrict result) {                                              \
    const int is_maximum = function == CAIRN_POOL_MAXIMUM;                                         \
    for (; count > 0; count--, window++, result += channels) {                                     \
      const cairn_window at = cairn_window_at(windows, window);                                    \
      size_t taps = 0;                                                                             \
      for (size_t c = 0; c < channels; c++)                                                        \
        result[c] = is_maximum ? -(scalar)__builtin_inff() : 0;                                    \
      FOR_EACH_TAP(&at) {                                                                          \
        (void)tap;                                                                                 \
        taps++;                                                                                    \
        const scalar *x = source + place * channels;                                               \
        if (is_maximum) {                                                                          \
          for (size_t c = 0; c < channels; c++)                                                    \
            result[c] = ((x[c] > result[c]) | (x[c] != x[c])) ? x[c] : result[c];                  \
        } else {                                                                                   \
          for (size_t c = 0; c < channels; c++) result[c] += x[c];                                 \
        }                                                                                          \
      }                                                                                            \
      for (size_t c = 0; !is_maximum && c < channels; c++) result[c] /= (scalar)taps;              \
    }                                                                                              \
  }

FUNCTIONS(f32, float)
FUNCTIONS(f64, double)
