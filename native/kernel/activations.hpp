// The logistic function and the hyperbolic tangent of one vector. A NaN stays a NaN.
//
// Errors over all floats, compared with double precision: at most 9.1e-8 for the logistic function and 1.8e-7 for the
// tangent. Relative errors: at most 3.5e-7 (4.2e-6 without fused multiply-adds, far below zero) and 2.3e-7.
#pragma once

#include "vector.hpp"

namespace memoryspan {

// exp(x) = scale + scale * rest, where scale is a power of two and |rest| < 0.42.
template <int lanes>
struct Exponential {
  Floats<lanes> scale, rest;
};

// Compute exp(x) for x in [-87, 87].
template <int lanes>
inline Exponential<lanes> exponential(Floats<lanes> x) {
  // Adding this constant and subtracting it again rounds to an integer, and the last bits of the sum are those of 127
  // plus that integer: the exponent of a float.
  constexpr float rounding = 1.5f * (1 << 23) + 127;
  const Floats<lanes> sum = x * 1.44269504f + rounding;
  const Floats<lanes> power = sum - rounding;
  const Floats<lanes> r = x - power * 0.693147181f;
  // (exp(r) - 1 - r) / r^2 for |r| < log(2) / 2, fitted to minimize the relative error of exp(r), which is 1.8e-8
  // (Lawson's iteration).
  Floats<lanes> polynomial = r * 0.00138825167f + 0.00836654752f;
  polynomial = polynomial * r + 0.0416672006f;
  polynomial = polynomial * r + 0.166665435f;
  polynomial = polynomial * r + 0.49999997f;
  return {from_bits<lanes>(bits_of<lanes>(sum) << 23), polynomial * (r * r) + r};
}

template <int lanes>
inline Floats<lanes> clamp(Floats<lanes> x, float bound) {
  return at_most<lanes>(bound, at_least<lanes>(-bound, x));
}

// 1 / (1 + exp(-x)). Arguments beyond 87, where the result would underflow, are taken as 87.
template <int lanes>
inline Floats<lanes> sigmoid(Floats<lanes> x) {
  const auto e = exponential<lanes>(-clamp<lanes>(x, 87));
  return reciprocal<lanes>(1 + (e.scale + e.scale * e.rest));
}

// (1 - exp(-2x)) / (1 + exp(-2x)), computed from exp(-2x) - 1 to keep the digits of a small x. It is 1 beyond 10.
template <int lanes>
inline Floats<lanes> hyperbolic_tangent(Floats<lanes> x) {
  const auto e = exponential<lanes>(-2 * clamp<lanes>(x, 10));
  const Floats<lanes> minus_one = e.scale * e.rest + (e.scale - 1);
  return -minus_one * reciprocal<lanes>(2 + minus_one);
}

// Apply a function in place to `count` numbers, a multiple of `lanes`.
template <int lanes, Floats<lanes> (*function)(Floats<lanes>)>
inline void apply(float* numbers, int64_t count) {
  for (int64_t at = 0; at < count; at += lanes) store<lanes>(numbers + at, function(load<lanes>(numbers + at)));
}

}  // namespace memoryspan
