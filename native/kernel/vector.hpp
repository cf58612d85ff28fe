// Vectors of floats, by the compiler's own vector extensions (GCC and Clang).
#pragma once

#include <cstdint>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace memoryspan {

template <int lanes>
struct VectorOf {
  typedef float Floats __attribute__((vector_size(lanes * 4)));
  typedef int32_t Integers __attribute__((vector_size(lanes * 4)));
  typedef uint32_t Bits __attribute__((vector_size(lanes * 4)));
};

template <int lanes>
using Floats = typename VectorOf<lanes>::Floats;

template <int lanes>
using Bits = typename VectorOf<lanes>::Bits;

template <int lanes>
inline Floats<lanes> load(const float* from) {
  Floats<lanes> vector;
  __builtin_memcpy(&vector, from, sizeof vector);
  return vector;
}

template <int lanes>
inline void store(float* to, Floats<lanes> vector) {
  __builtin_memcpy(to, &vector, sizeof vector);
}

template <int lanes>
inline Bits<lanes> bits_of(Floats<lanes> vector) {
  return reinterpret_cast<Bits<lanes>>(vector);
}

template <int lanes>
inline Floats<lanes> from_bits(Bits<lanes> bits) {
  return reinterpret_cast<Floats<lanes>>(bits);
}

#ifdef __AVX512F__  // masked, since GCC takes the registers that the plain ones leave undefined for an oversight
constexpr __mmask16 all_lanes = 0xffff;
#endif

// The smaller, or larger, of x and a bound. A NaN stays one.
template <int lanes>
inline Floats<lanes> at_most(float bound, Floats<lanes> x) {
#ifdef __AVX512F__  // for these widths GCC makes three instructions of it
  if constexpr (lanes == 16) return _mm512_maskz_min_ps(all_lanes, _mm512_set1_ps(bound), x);
#endif
  return x > bound ? Floats<lanes>{} + bound : x;
}

template <int lanes>
inline Floats<lanes> at_least(float bound, Floats<lanes> x) {
#ifdef __AVX512F__
  if constexpr (lanes == 16) return _mm512_maskz_max_ps(all_lanes, _mm512_set1_ps(bound), x);
#endif
  return x < bound ? Floats<lanes>{} + bound : x;
}

// 1 / x for a finite x that is not small.
template <int lanes>
inline Floats<lanes> reciprocal(Floats<lanes> x) {
#ifdef __AVX512F__  // an estimate of 14 bits, doubled by one of Newton's steps, in a third of the time of a division
  if constexpr (lanes == 16) {
    const __m512 estimate = _mm512_maskz_rcp14_ps(all_lanes, x);
    return estimate + estimate * (1 - x * estimate);
  }
#endif
  return 1 / x;
}

}  // namespace memoryspan
