// The logistic function and the hyperbolic tangent, of a vector at a time. A NaN stays one.
//
// Over all floats, beside double precision: the error is at most 9.1e-8 of the logistic function and 1.8e-7 of the
// tangent; relative to the value, at most 3.5e-7 (without fused multiply-adds 4.2e-6, far below zero) and 2.3e-7.
#pragma once

#include "vector.hpp"

namespace memoryspan {

// exp(x) = scale + scale * rest, where scale is a power of two and |rest| < 0.42.
template <int lanes>
struct Exponential {
  Floats<lanes> scale, rest;
};

// Of x in [-87, 87].
template <int lanes>
inline Exponential<lanes> exponential(Floats<lanes> x) {
  // Added to a number and taken away again, it rounds to whole; and the sum's last bits are those of 127 + the number.
  constexpr float whole = 1.5f * (1 << 23) + 127;
  const Floats<lanes> sum = x * 1.44269504f + whole;
  const Floats<lanes> power = sum - whole;
  const Floats<lanes> r = x - power * 0.693147181f;
  // (exp(r) - 1 - r) / r^2 for |r| < log(2) / 2, with the least relative error of exp(r) (Lawson's iteration): 1.8e-8.
  Floats<lanes> polynomial = r * 0.00138825167f + 0.00836654752f;
  polynomial = polynomial * r + 0.0416672006f;
  polynomial = polynomial * r + 0.166665435f;
  polynomial = polynomial * r + 0.49999997f;
  return {from_bits<lanes>(bits_of<lanes>(sum) << 23), polynomial * (r * r) + r};
}

template <int lanes>
inline Floats<lanes> within(Floats<lanes> x, float bound) {
  return at_most<lanes>(bound, at_least<lanes>(-bound, x));
}

// 1 / (1 + exp(-x)); beyond 87, where it would soon be too small for a float, what it is at 87.
template <int lanes>
inline Floats<lanes> sigmoid(Floats<lanes> x) {
  const auto e = exponential<lanes>(-within<lanes>(x, 87));
  return reciprocal<lanes>(1 + (e.scale + e.scale * e.rest));
}

// (1 - exp(-2x)) / (1 + exp(-2x)), by exp(-2x) - 1, which keeps the digits of a small x. Beyond 10 it is 1.
template <int lanes>
inline Floats<lanes> hyperbolic_tangent(Floats<lanes> x) {
  const auto e = exponential<lanes>(-2 * within<lanes>(x, 10));
  const Floats<lanes> less_one = e.scale * e.rest + (e.scale - 1);
  return -less_one * reciprocal<lanes>(2 + less_one);
}

// In place, of each of `count` numbers.
template <int lanes, Floats<lanes> (*function)(Floats<lanes>)>
inline void each(float* numbers, int64_t count) {
  for (int64_t at = 0; at < count; at += lanes) store<lanes>(numbers + at, function(load<lanes>(numbers + at)));
}

}  // namespace memoryspan
