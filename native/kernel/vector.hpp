// Vectors of floats, through the vector extensions of GCC and Clang.
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

#ifdef __AVX512F__  // the masked intrinsics: GCC warns of uninitialized registers inside the unmasked ones
constexpr __mmask16 all_lanes = 0xffff;
#endif

// The minimum of x and a bound. A NaN stays a NaN.
template <int lanes>
inline Floats<lanes> at_most(float bound, Floats<lanes> x) {
#ifdef __AVX512F__  // GCC compiles the plain expression to three instructions
  if constexpr (lanes == 16) return _mm512_maskz_min_ps(all_lanes, _mm512_set1_ps(bound), x);
#endif
  return x > bound ? Floats<lanes>{} + bound : x;
}

// The maximum of x and a bound. A NaN stays a NaN.
template <int lanes>
inline Floats<lanes> at_least(float bound, Floats<lanes> x) {
#ifdef __AVX512F__
  if constexpr (lanes == 16) return _mm512_maskz_max_ps(all_lanes, _mm512_set1_ps(bound), x);
#endif
  return x < bound ? Floats<lanes>{} + bound : x;
}

// 1 / x for a finite x that is not close to zero.
template <int lanes>
inline Floats<lanes> reciprocal(Floats<lanes> x) {
#ifdef __AVX512F__  // an estimate of 14 bits and one Newton step take a third of the time of a division
  if constexpr (lanes == 16) {
    const __m512 estimate = _mm512_maskz_rcp14_ps(all_lanes, x);
    return estimate + estimate * (1 - x * estimate);
  }
#endif
  return 1 / x;
}

}  // namespace memoryspan
