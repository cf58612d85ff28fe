// The product of two small matrices, added to a third: out = start + a b.
#pragma once

#include <algorithm>
#include <utility>

#include "vector.hpp"

namespace memoryspan {

// The sum runs over `groups` of `terms`, each a column of a and a row of b. Strides are in floats.
struct Product {
  float* out;
  int64_t out_row;
  const float* a;
  int64_t a_row, a_term, a_group;
  const float* b;
  int64_t b_term, b_group;
  int64_t groups, terms;
};

// `rows` rows and `width` vectors of the result, which stay in registers for the length of the sum.
template <int lanes, int rows, int width, typename Start>
[[gnu::noinline]] void tile(const Product& p, int64_t row, int64_t column, Start start) {
  Floats<lanes> sum[rows][width];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    const float* from = start(row + r) + column;
#pragma GCC unroll 16
    for (int c = 0; c < width; ++c) sum[r][c] = load<lanes>(from + c * lanes);
  }
  for (int64_t group = 0; group < p.groups; ++group) {
    const float* a = p.a + row * p.a_row + group * p.a_group;
    const float* b = p.b + column + group * p.b_group;
    for (int64_t term = 0; term < p.terms; ++term, a += p.a_term, b += p.b_term) {
      Floats<lanes> of_b[width];
#pragma GCC unroll 16
      for (int c = 0; c < width; ++c) of_b[c] = load<lanes>(b + c * lanes);
#pragma GCC unroll 16
      for (int r = 0; r < rows; ++r)
#pragma GCC unroll 16
        for (int c = 0; c < width; ++c) sum[r][c] += a[r * p.a_row] * of_b[c];
    }
  }
  float* out = p.out + row * p.out_row + column;
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 16
    for (int c = 0; c < width; ++c) store<lanes>(out + r * p.out_row + c * lanes, sum[r][c]);
}

// All rows of `width` vectors, in tiles of at most `most` rows, and as equal ones as can be: a tile of one row would
// wait for its own sums.
template <int lanes, int most, int width, typename Start>
inline void strip(const Product& p, int64_t rows, int64_t column, Start start) {
  for (int64_t row = 0, tiles = (rows + most - 1) / most; tiles > 0; --tiles) {
    const int64_t next = (rows - row + tiles - 1) / tiles;
    [&]<int... smaller>(std::integer_sequence<int, smaller...>) {
      ((next == smaller + 1 ? tile<lanes, smaller + 1, width>(p, row, column, start) : void()), ...);
    }(std::make_integer_sequence<int, most>());
    row += next;
  }
}

// How many rows a tile may have, for its sums to stay in registers beside the rest, of which AVX-512 has 32, others 16;
// and for each row to have a register for its place.
template <int lanes, int width>
constexpr int most_rows = std::min((lanes == 16 ? 24 : 12) / width, 8);

// `start(row)` is where a row's sums begin.
template <int lanes, typename Start>
inline void product(const Product& p, int64_t rows, int64_t columns, Start start) {
  int64_t column = 0;
  for (; column + 4 * lanes <= columns; column += 4 * lanes) strip<lanes, most_rows<lanes, 4>, 4>(p, rows, column, start);
  switch ((columns - column) / lanes) {
    case 3: return strip<lanes, most_rows<lanes, 3>, 3>(p, rows, column, start);
    case 2: return strip<lanes, most_rows<lanes, 2>, 2>(p, rows, column, start);
    case 1: return strip<lanes, most_rows<lanes, 1>, 1>(p, rows, column, start);
  }
}

// The same, added to what is there.
template <int lanes>
inline void add_product(const Product& p, int64_t rows, int64_t columns) {
  product<lanes>(p, rows, columns, [&p](int64_t row) { return p.out + row * p.out_row; });
}

}  // namespace memoryspan
