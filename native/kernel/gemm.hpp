// The product of two small matrices, added to a third: out = start + a b.
#pragma once

#include <algorithm>
#include <utility>

#include "vector.hpp"

namespace memoryspan {

// The sum runs over `groups` of `terms`; each term is a column of a and a row of b. Strides are in floats.
struct Gemm {
  float* out;
  int64_t out_row;
  const float* a;
  int64_t a_row, a_term, a_group;
  const float* b;
  int64_t b_term, b_group;
  int64_t groups, terms;
};

// Compute `rows` rows and `width` vectors of the result. The sums stay in registers.
template <int lanes, int rows, int width, typename Start>
[[gnu::noinline]] void micro_kernel(const Gemm& p, int64_t row, int64_t column, Start start) {
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

// Compute `width` vectors of every row, in blocks of at most `max_block` rows. The blocks are as equal as possible,
// because a block of one row would wait for the latency of its own sums.
template <int lanes, int max_block, int width, typename Start>
inline void row_panel(const Gemm& p, int64_t rows, int64_t column, Start start) {
  for (int64_t row = 0, blocks = (rows + max_block - 1) / max_block; blocks > 0; --blocks) {
    const int64_t block = (rows - row + blocks - 1) / blocks;
    [&]<int... smaller>(std::integer_sequence<int, smaller...>) {
      ((block == smaller + 1 ? micro_kernel<lanes, smaller + 1, width>(p, row, column, start) : void()), ...);
    }(std::make_integer_sequence<int, max_block>());
    row += block;
  }
}

// How many vectors of sums stay in registers beside the operands. AVX-512 has 32 registers, other targets 16, of which
// Clang needs one more for the operands than GCC.
#ifdef __clang__
template <int lanes>
constexpr int max_sums = lanes == 16 ? 24 : 9;
#else
template <int lanes>
constexpr int max_sums = lanes == 16 ? 24 : 12;
#endif

// The maximum rows of a block. Each also needs a general register for its address.
template <int lanes, int width>
constexpr int max_rows = std::min(max_sums<lanes> / width, 8);

// Compute the whole result. `start(row)` points to the initial values of a row.
template <int lanes, typename Start>
inline void gemm(const Gemm& p, int64_t rows, int64_t columns, Start start) {
  int64_t column = 0;
  for (; column + 4 * lanes <= columns; column += 4 * lanes)
    row_panel<lanes, max_rows<lanes, 4>, 4>(p, rows, column, start);
  switch ((columns - column) / lanes) {
    case 3:
      return row_panel<lanes, max_rows<lanes, 3>, 3>(p, rows, column, start);
    case 2:
      return row_panel<lanes, max_rows<lanes, 2>, 2>(p, rows, column, start);
    case 1:
      return row_panel<lanes, max_rows<lanes, 1>, 1>(p, rows, column, start);
  }
}

// Add the product to `out` in place.
template <int lanes>
inline void gemm_add(const Gemm& p, int64_t rows, int64_t columns) {
  gemm<lanes>(p, rows, columns, [&p](int64_t row) { return p.out + row * p.out_row; });
}

}  // namespace memoryspan
