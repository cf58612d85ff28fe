// The LSTM: Hochreiter & Schmidhuber (1997), with the forget gate of Gers et al. (2000). Gates in Keras's order.
#pragma once

#include "activations.hpp"
#include "types.hpp"

namespace memoryspan {

template <int lanes>
struct LSTM {
  static constexpr Cell cell = Cell::lstm;
  using F = Floats<lanes>;

  // Saved: the gates i, f, g, o, and tanh of the cell state. States: hidden, cell.
  static void activate(float* saved, int64_t width) {
    apply<lanes, sigmoid<lanes>>(saved, 2 * width);
    apply<lanes, hyperbolic_tangent<lanes>>(saved + 2 * width, width);
    apply<lanes, sigmoid<lanes>>(saved + 3 * width, width);
  }

  static void advance(const float*, float* saved, const float* before, float* after, int64_t width) {
    for (int64_t u = 0; u < width; u += lanes) {
      const F i = load<lanes>(saved + u), f = load<lanes>(saved + width + u);
      const F g = load<lanes>(saved + 2 * width + u), o = load<lanes>(saved + 3 * width + u);
      const F c = f * load<lanes>(before + width + u) + i * g;
      const F tanh_c = hyperbolic_tangent<lanes>(c);
      store<lanes>(saved + 4 * width + u, tanh_c);
      store<lanes>(after + u, o * tanh_c);
      store<lanes>(after + width + u, c);
    }
  }

  // Overwrite the saved vectors with the gradients of the gates before their activations, and `d_state` with the
  // gradient of the previous state, without the part through the recurrent kernel.
  static void backward(float* saved, const float* before, float* d_state, int64_t width) {
    for (int64_t u = 0; u < width; u += lanes) {
      const F i = load<lanes>(saved + u), f = load<lanes>(saved + width + u);
      const F g = load<lanes>(saved + 2 * width + u), o = load<lanes>(saved + 3 * width + u);
      const F tanh_c = load<lanes>(saved + 4 * width + u), c = load<lanes>(before + width + u);
      const F d_hidden = load<lanes>(d_state + u);
      const F d_cell = load<lanes>(d_state + width + u) + d_hidden * o * (1 - tanh_c * tanh_c);
      store<lanes>(saved + u, d_cell * g * i * (1 - i));
      store<lanes>(saved + width + u, d_cell * c * f * (1 - f));
      store<lanes>(saved + 2 * width + u, d_cell * i * (1 - g * g));
      store<lanes>(saved + 3 * width + u, d_hidden * tanh_c * o * (1 - o));
      store<lanes>(d_state + u, F{});
      store<lanes>(d_state + width + u, d_cell * f);
    }
  }
};

}  // namespace memoryspan
