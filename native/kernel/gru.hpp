// The GRU of Cho et al. (arXiv 1406.1078, v3), whose reset gate acts after the product: Keras's `reset_after`.
#pragma once

#include "activations.hpp"
#include "walk.hpp"

namespace memoryspan {

template <int lanes>
struct GRU {
  static constexpr Cell cell = Cell::gru;
  using F = Floats<lanes>;

  // The table has four vectors a row: what adds to z, to r, to what the candidate sees of the state (a bias), and to the
  // candidate itself, which waits until the reset gate is known.
  // Notes: the gates z and r, what the candidate sees of the state before r acts on it, and the candidate.
  static void activate(float* notes, int64_t width) { each<lanes, sigmoid<lanes>>(notes, 2 * width); }

  static void advance(const float* table, float* notes, const float* before, float* after, int64_t width) {
    for (int64_t u = 0; u < width; u += lanes) {
      const F z = load<lanes>(notes + u), r = load<lanes>(notes + width + u);
      const F seen = load<lanes>(notes + 2 * width + u);
      const F g = hyperbolic_tangent<lanes>(load<lanes>(table + 3 * width + u) + r * seen);
      store<lanes>(notes + 3 * width + u, g);
      store<lanes>(after + u, z * load<lanes>(before + u) + (1 - z) * g);
    }
  }

  // Turns the notes into the gradients of z, r, what is seen, and the candidate, each before its activation.
  static void backward(float* notes, const float* before, float* d_state, int64_t width) {
    for (int64_t u = 0; u < width; u += lanes) {
      const F z = load<lanes>(notes + u), r = load<lanes>(notes + width + u);
      const F seen = load<lanes>(notes + 2 * width + u), g = load<lanes>(notes + 3 * width + u);
      const F d_hidden = load<lanes>(d_state + u);
      const F d_candidate = d_hidden * (1 - z) * (1 - g * g);
      const F d_seen = d_candidate * r;
      store<lanes>(notes + u, d_hidden * (load<lanes>(before + u) - g) * z * (1 - z));
      store<lanes>(notes + width + u, d_candidate * seen * r * (1 - r));
      store<lanes>(notes + 2 * width + u, d_seen);
      store<lanes>(notes + 3 * width + u, d_candidate);
      store<lanes>(d_state + u, d_hidden * z);
    }
  }
};

}  // namespace memoryspan
