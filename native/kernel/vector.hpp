// Vectors of floats, by the compiler's own vector extensions (GCC and Clang).
#pragma once

#include <cstdint>

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
inline void add(float* to, Floats<lanes> vector) {
  store<lanes>(to, load<lanes>(to) + vector);
}

template <int lanes>
inline Bits<lanes> bits_of(Floats<lanes> vector) {
  return reinterpret_cast<Bits<lanes>>(vector);
}

template <int lanes>
inline Floats<lanes> from_bits(Bits<lanes> bits) {
  return reinterpret_cast<Floats<lanes>>(bits);
}

}  // namespace memoryspan
