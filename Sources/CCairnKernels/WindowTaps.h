// Where a window lies, and which of its taps lie within the source.
#pragma once
#include "CairnProducts.h"

// One window: the place where it begins in each dimension, which may lie in front of the source, and
// the taps within the source. `base` is the first place of the example.
typedef struct {
  const cairn_windows *windows;
  size_t base;
  ptrdiff_t start[3];
  size_t first[3], end[3];
} cairn_window;

static inline cairn_window cairn_window_at(const cairn_windows *windows, size_t window) {
  cairn_window at = {windows, 0, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
  for (int axis = 2; axis >= 0; axis--) {
    const size_t place = window % windows->output[axis];
    const ptrdiff_t dilation = (ptrdiff_t)windows->dilation[axis];
    const ptrdiff_t input = (ptrdiff_t)windows->input[axis];
    const ptrdiff_t start =
        (ptrdiff_t)(place * windows->stride[axis]) - (ptrdiff_t)windows->before[axis];
    const size_t first = start < 0 ? (size_t)((dilation - 1 - start) / dilation) : 0;
    size_t end = start < input ? (size_t)((input - 1 - start) / dilation) + 1 : 0;
    if (end > windows->kernel[axis]) end = windows->kernel[axis];
    at.start[axis] = start;
    at.first[axis] = first < end ? first : end;
    at.end[axis] = end;
    window /= windows->output[axis];
  }
  at.base = window * windows->input[0] * windows->input[1] * windows->input[2];
  return at;
}

// The place of a tap along one dimension.
static inline size_t cairn_window_place(const cairn_window *at, int axis, size_t tap) {
  return (size_t)(at->start[axis] + (ptrdiff_t)(tap * at->windows->dilation[axis]));
}

// Runs what follows for each tap within the source, in order, with its number `tap` and its `place`,
// counted over all examples.
#define FOR_EACH_TAP(at)                                                                           \
  for (size_t d_ = (at)->first[0]; d_ < (at)->end[0]; d_++)                                        \
    for (size_t h_ = (at)->first[1]; h_ < (at)->end[1]; h_++)                                      \
      for (size_t w_ = (at)->first[2],                                                             \
                  tap = (d_ * (at)->windows->kernel[1] + h_) * (at)->windows->kernel[2] + w_,      \
                  place = (at)->base + (cairn_window_place(at, 0, d_) * (at)->windows->input[1] +  \
                                        cairn_window_place(at, 1, h_)) *                           \
                                           (at)->windows->input[2] +                               \
                          cairn_window_place(at, 2, w_);                                           \
           w_ < (at)->end[2]; w_++, tap++, place += (at)->windows->dilation[2])
