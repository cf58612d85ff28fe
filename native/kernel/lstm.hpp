// The LSTM: Hochreiter & Schmidhuber (1997), with the forget gate of Gers et al. (2000). Gates in Keras's order.
#pragma once

#include "activations.hpp"
#include "walk.hpp"

namespace memoryspan {

template <int lanes>
struct LSTM {
  static constexpr Cell cell = Cell::lstm;
  using F = Floats<lanes>;

  // Notes: the gates i, f, g, o, and tanh of the cell state. States: hidden, cell.
  static void activate(float* notes, int64_t width) {
    each<lanes, sigmoid<lanes>>(notes, 2 * width);
    each<lanes, hyperbolic_tangent<lanes>>(notes + 2 * width, width);
    each<lanes, sigmoid<lanes>>(notes + 3 * width, width);
  }

  static void advance(const float*, float* notes, const float* before, float* after, int64_t width) {
    for (int64_t u = 0; u < width; u += lanes) {
      const F i = load<lanes>(notes + u), f = load<lanes>(notes + width + u);
      const F g = load<lanes>(notes + 2 * width + u), o = load<lanes>(notes + 3 * width + u);
      const F c = f * load<lanes>(before + width + u) + i * g;
      const F shown = hyperbolic_tangent<lanes>(c);
      store<lanes>(notes + 4 * width + u, shown);
      store<lanes>(after + u, o * shown);
      store<lanes>(after + width + u, c);
    }
  }

  // Turns the notes into the gradients of the gates, and `d_state` into that before the step, but for what comes
  // through the recurrent kernel.
  static void backward(float* notes, const float* before, float* d_state, int64_t width) {
    for (int64_t u = 0; u < width; u += lanes) {
      const F i = load<lanes>(notes + u), f = load<lanes>(notes + width + u);
      const F g = load<lanes>(notes + 2 * width + u), o = load<lanes>(notes + 3 * width + u);
      const F shown = load<lanes>(notes + 4 * width + u), c = load<lanes>(before + width + u);
      const F d_hidden = load<lanes>(d_state + u);
      const F d_cell = load<lanes>(d_state + width + u) + d_hidden * o * (1 - shown * shown);
      store<lanes>(notes + u, d_cell * g * i * (1 - i));
      store<lanes>(notes + width + u, d_cell * c * f * (1 - f));
      store<lanes>(notes + 2 * width + u, d_cell * i * (1 - g * g));
      store<lanes>(notes + 3 * width + u, d_hidden * shown * o * (1 - o));
      store<lanes>(d_state + u, F{});
      store<lanes>(d_state + width + u, d_cell * f);
    }
  }
};

}  // namespace memoryspan
