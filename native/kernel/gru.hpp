// The GRU of Cho et al. (arXiv 1406.1078, v3), with the reset gate applied after the matrix product: `reset_after=True`
// in Keras.
#pragma once

#include "activations.hpp"
#include "types.hpp"

namespace memoryspan {

template <int lanes>
struct GRU {
  static constexpr Cell cell = Cell::gru;
  using F = Floats<lanes>;

  // A row of the table has four vectors, added to: z, r, the candidate's recurrent term (its bias), and the candidate
  // itself, which is not computed before the reset gate.
  // Saved: the gates z and r, the candidate's recurrent term before r is applied, and the candidate.
  static void activate(float* saved, int64_t width) { apply<lanes, sigmoid<lanes>>(saved, 2 * width); }

  static void advance(const float* table, float* saved, const float* before, float* after, int64_t width) {
    for (int64_t u = 0; u < width; u += lanes) {
      const F z = load<lanes>(saved + u), r = load<lanes>(saved + width + u);
      const F recurrent = load<lanes>(saved + 2 * width + u);
      const F g = hyperbolic_tangent<lanes>(load<lanes>(table + 3 * width + u) + r * recurrent);
      store<lanes>(saved + 3 * width + u, g);
      store<lanes>(after + u, z * load<lanes>(before + u) + (1 - z) * g);
    }
  }

  // Overwrite the saved vectors with the gradients of z, r, the recurrent term and the candidate, each before its
  // activation, and `d_state` with the gradient of the previous state, without the part through the recurrent kernel.
  static void backward(float* saved, const float* before, float* d_state, int64_t width) {
    for (int64_t u = 0; u < width; u += lanes) {
      const F z = load<lanes>(saved + u), r = load<lanes>(saved + width + u);
      const F recurrent = load<lanes>(saved + 2 * width + u), g = load<lanes>(saved + 3 * width + u);
      const F d_hidden = load<lanes>(d_state + u);
      const F d_candidate = d_hidden * (1 - z) * (1 - g * g);
      const F d_recurrent = d_candidate * r;
      store<lanes>(saved + u, d_hidden * (load<lanes>(before + u) - g) * z * (1 - z));
      store<lanes>(saved + width + u, d_candidate * recurrent * r * (1 - r));
      store<lanes>(saved + 2 * width + u, d_recurrent);
      store<lanes>(saved + 3 * width + u, d_candidate);
      store<lanes>(d_state + u, d_hidden * z);
    }
  }
};

}  // namespace memoryspan
