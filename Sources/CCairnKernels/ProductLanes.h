// The loops of products for one type and one set of instructions. Included once for each, with
// SCALAR, the type; LANES, scalars in a vector; VECTORS, vectors in a row of a panel; ROWS, the rows of
// a tile, whose sums stay in registers; TARGET, the instructions, if not the baseline; and NAME, which
// makes names.
//
// A sum is one chain of fused multiply-adds in ascending order. Tiles, blocks and vectors only choose
// which chains go on side by side, so they change no bit.

#ifdef TARGET
#define IN_TARGET __attribute__((target(TARGET)))
#else
#define IN_TARGET
#endif
#define ALWAYS static inline __attribute__((always_inline)) IN_TARGET
#define WIDTH (LANES * VECTORS)

typedef SCALAR NAME(vector) __attribute__((ext_vector_type(LANES)));

// The same wherever it lies.
typedef NAME(vector) NAME(unaligned) __attribute__((aligned(sizeof(SCALAR))));
#define LOAD(at) (*(const NAME(unaligned) *)(at))
#define STORE(at, v) (*(NAME(unaligned) *)(at) = (v))

// The sums of `rows` rows and one panel, over `depth` places.
ALWAYS void NAME(tile)(const size_t rows, const SCALAR *left, size_t left_stride, size_t depth,
                       const SCALAR *panel, const SCALAR *bias, int continues, SCALAR *result,
                       size_t result_stride) {
  NAME(vector) sums[ROWS][VECTORS];
  const SCALAR *at[ROWS];
  for (size_t r = 0; r < rows; r++) {
    at[r] = left + r * left_stride;
    for (size_t v = 0; v < VECTORS; v++)
      sums[r][v] = continues ? LOAD(result + r * result_stride + v * LANES) : (NAME(vector))0;
  }
  for (size_t k = 0; k < depth; k++) {
    NAME(vector) row[VECTORS];
    for (size_t v = 0; v < VECTORS; v++) row[v] = LOAD(panel + k * WIDTH + v * LANES);
    for (size_t r = 0; r < rows; r++) {
      const NAME(vector) factor = (NAME(vector))(at[r][k]);
      for (size_t v = 0; v < VECTORS; v++)
        sums[r][v] = __builtin_elementwise_fma(factor, row[v], sums[r][v]);
    }
  }
  for (size_t r = 0; r < rows; r++)
    for (size_t v = 0; v < VECTORS; v++) {
      if (bias) sums[r][v] += LOAD(bias + v * LANES);
      STORE(result + r * result_stride + v * LANES, sums[r][v]);
    }
}

// The same with the number of rows in a register, as one of the loops that have it in their code.
static IN_TARGET void NAME(rows)(size_t rows, const SCALAR *left, size_t left_stride, size_t depth,
                                 const SCALAR *panel, const SCALAR *bias, int continues,
                                 SCALAR *result, size_t result_stride) {
#define CASE(count) \
  case count: \
    if (count <= ROWS) \
      NAME(tile)(count <= ROWS ? count : 1, left, left_stride, depth, panel, bias, continues, \
                 result, result_stride); \
    break;
  switch (rows) {
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if ROWS > 6
    CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#endif
  }
#undef CASE
}

static IN_TARGET void NAME(product)(const NAME(operands) *o) {
  for (size_t first = 0; first < o->inner; first += DEPTH) {
    const size_t depth = o->inner - first < DEPTH ? o->inner - first : DEPTH;
    const int continues = first > 0 || o->continues;
    const int is_last = first + depth == o->inner;
    for (size_t column = 0; column < o->columns; column += WIDTH) {
      const SCALAR *panel = o->packed + column * o->packed_inner + first * WIDTH;
      const size_t width = o->columns - column < WIDTH ? o->columns - column : WIDTH;
      const SCALAR *bias = is_last && o->bias ? o->bias + column : 0;
      SCALAR edge[WIDTH], whole[ROWS * WIDTH];
      if (bias && width < WIDTH) {
        for (size_t i = 0; i < WIDTH; i++) edge[i] = i < width ? bias[i] : 0;
        bias = edge;
      }
      for (size_t row = 0; row < o->rows; row += ROWS) {
        const size_t rows = o->rows - row < ROWS ? o->rows - row : ROWS;
        const SCALAR *left = o->left + row * o->left_stride + first;
        SCALAR *result = o->result + row * o->result_stride + column;
        if (width == WIDTH) {
          NAME(rows)(rows, left, o->left_stride, depth, panel, bias, continues, result,
                     o->result_stride);
          continue;
        }
        // The last panel has columns that the result lacks.
        for (size_t r = 0; r < rows; r++)
          for (size_t i = 0; i < WIDTH; i++)
            whole[r * WIDTH + i] = continues && i < width ? result[r * o->result_stride + i] : 0;
        NAME(rows)(rows, left, o->left_stride, depth, panel, bias, continues, whole, WIDTH);
        for (size_t r = 0; r < rows; r++)
          for (size_t i = 0; i < width; i++)
            result[r * o->result_stride + i] = whole[r * WIDTH + i];
      }
    }
  }
}

// `vectors` vectors of channels of one window: the taps that lie within the source, in order.
ALWAYS void NAME(window)(const size_t vectors, const cairn_window *at, const SCALAR *source,
                         size_t channels, const SCALAR *weights, const SCALAR *bias,
                         SCALAR *result) {
  NAME(vector) sums[8];
  for (size_t v = 0; v < vectors; v++) sums[v] = (NAME(vector))0;
  FOR_EACH_TAP(at) {
    const SCALAR *x = source + place * channels, *w = weights + tap * channels;
    for (size_t v = 0; v < vectors; v++)
      sums[v] =
          __builtin_elementwise_fma(LOAD(x + v * LANES), LOAD(w + v * LANES), sums[v]);
  }
  for (size_t v = 0; v < vectors; v++) {
    if (bias) sums[v] += LOAD(bias + v * LANES);
    STORE(result + v * LANES, sums[v]);
  }
}

static IN_TARGET void NAME(depthwise)(const cairn_windows *windows, const SCALAR *source,
                                      size_t channels, const SCALAR *weights, const SCALAR *bias,
                                      size_t window, size_t count, SCALAR *result) {
  for (; count > 0; count--, window++, result += channels) {
    const cairn_window at = cairn_window_at(windows, window);
    size_t c = 0;
    for (; c + 8 * LANES <= channels; c += 8 * LANES)
      NAME(window)(8, &at, source + c, channels, weights + c, bias ? bias + c : 0, result + c);
    for (; c + LANES <= channels; c += LANES)
      NAME(window)(1, &at, source + c, channels, weights + c, bias ? bias + c : 0, result + c);
    for (; c < channels; c++) {
      SCALAR sum = 0;
      FOR_EACH_TAP(&at) sum = FMA(source[place * channels + c], weights[tap * channels + c], sum);
      result[c] = bias ? sum + bias[c] : sum;
    }
  }
}

#undef IN_TARGET
#undef ALWAYS
#undef WIDTH
#undef LOAD
#undef STORE
#undef TARGET
#undef NAME
#undef LANES
#undef VECTORS
#undef ROWS
