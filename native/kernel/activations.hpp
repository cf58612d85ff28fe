// The logistic function and the hyperbolic tangent, of a vector at a time. A NaN stays one.
#pragma once

#include "vector.hpp"

namespace memoryspan {

// exp(x) = scale + scale * rest, where scale is a power of two and |rest| < 0.42.
template <int lanes>
struct Exponential {
  Floats<lanes> scale, rest;
};

// Of x in [-87, 87]. Range reduction and polynomial are those of expf in Cephes (Moshier, 1992).
template <int lanes>
inline Exponential<lanes> exponential(Floats<lanes> x) {
  // Added to a number and taken away again, it rounds to whole; and the sum's last bits are those of 127 + the number.
  constexpr float whole = 1.5f * (1 << 23) + 127;
  const Floats<lanes> sum = x * 1.44269504088896341f + whole;
  const Floats<lanes> power = sum - whole;
  const Floats<lanes> r = x - power * 0.693359375f - power * -2.12194440e-4f;
  Floats<lanes> polynomial = r * 1.9875691500e-4f + 1.3981999507e-3f;
  polynomial = polynomial * r + 8.3334519073e-3f;
  polynomial = polynomial * r + 4.1665795894e-2f;
  polynomial = polynomial * r + 1.6666665459e-1f;
  polynomial = polynomial * r + 5.0000001201e-1f;
  return {from_bits<lanes>(bits_of<lanes>(sum) << 23), polynomial * (r * r) + r};
}

template <int lanes>
inline Floats<lanes> within(Floats<lanes> x, float bound) {
  x = x < -bound ? Floats<lanes>{} - bound : x;
  return x > bound ? Floats<lanes>{} + bound : x;
}

// 1 / (1 + exp(-x)); below -87, where it would soon be too small for a float, what it is at -87.
template <int lanes>
inline Floats<lanes> sigmoid(Floats<lanes> x) {
  const auto e = exponential<lanes>(-within<lanes>(x, 87));
  return 1 / (1 + (e.scale + e.scale * e.rest));
}

// (1 - exp(-2x)) / (1 + exp(-2x)), by exp(-2x) - 1, which keeps the digits of a small x. Beyond 10 it is 1.
template <int lanes>
inline Floats<lanes> hyperbolic_tangent(Floats<lanes> x) {
  const auto e = exponential<lanes>(-2 * within<lanes>(x, 10));
  const Floats<lanes> less_one = e.scale * e.rest + (e.scale - 1);
  return -less_one / (2 + less_one);
}

}  // namespace memoryspan
