// A matrix product of small matrices: out += a b.
#pragma once

#include "vector.hpp"

namespace memoryspan {

// The sum runs over `groups` of `terms`: the rows of b follow one another, the columns of a leave out what lies between
// two groups. Strides are in floats.
struct Product {
  float* out;
  int64_t out_row;
  const float* a;
  int64_t a_row, a_term, a_group;
  const float* b;
  int64_t b_term;
  int64_t groups, terms;
};

// `rows` rows and `width` vectors of the result, which stay in registers for the length of the sum.
template <int lanes, int rows, int width>
inline void tile(const Product& p, int64_t row, int64_t column) {
  float* out = p.out + row * p.out_row + column;
  Floats<lanes> sum[rows][width];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 16
    for (int c = 0; c < width; ++c) sum[r][c] = load<lanes>(out + r * p.out_row + c * lanes);
  const float* b = p.b + column;
  for (int64_t group = 0; group < p.groups; ++group) {
    const float* a = p.a + row * p.a_row + group * p.a_group;
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
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 16
    for (int c = 0; c < width; ++c) store<lanes>(out + r * p.out_row + c * lanes, sum[r][c]);
}

// Tiles of `rows` rows from `row` on, and smaller ones for what is left.
template <int lanes, int rows, int width>
inline void strip(const Product& p, int64_t row, int64_t all_rows, int64_t column) {
  for (; row + rows <= all_rows; row += rows) tile<lanes, rows, width>(p, row, column);
  if constexpr (rows > 1) strip<lanes, rows / 2, width>(p, row, all_rows, column);
}

// How many rows a tile of this width may have, for its sums to stay in registers: of these AVX-512 has 32, others 16.
template <int lanes, int width>
constexpr int tile_rows() {
  constexpr int sums = lanes == 16 ? 24 : 12;
  int rows = 8;
  while (rows * width > sums) rows /= 2;
  return rows;
}

template <int lanes>
inline void product(const Product& p, int64_t rows, int64_t columns) {
  int64_t column = 0;
  for (; column + 4 * lanes <= columns; column += 4 * lanes)
    strip<lanes, tile_rows<lanes, 4>(), 4>(p, 0, rows, column);
  switch ((columns - column) / lanes) {
    case 3: return strip<lanes, tile_rows<lanes, 3>(), 3>(p, 0, rows, column);
    case 2: return strip<lanes, tile_rows<lanes, 2>(), 2>(p, 0, rows, column);
    case 1: return strip<lanes, tile_rows<lanes, 1>(), 1>(p, 0, rows, column);
  }
}

}  // namespace memoryspan
