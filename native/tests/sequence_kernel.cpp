// Run batches of many shapes on every target, and compare the targets with each other.
//
// With -DSANITIZE=ON the tests run under the address and the undefined-behaviour sanitizer. The comparison with Keras
// is in tests/engine/test_native.py.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "batch.hpp"
#include "targets.hpp"

namespace memoryspan {
namespace {

using Array = std::vector<float>;

struct Case {
  Shape shape;
  int64_t parts, segment;
  bool unique_rows, outputs;
  float scale;  // of the weights
};

struct Gradients {
  Array last, outputs, d_start, d_table, d_recurrent;
};

void on_threads(int64_t jobs, const std::function<void(int64_t)>& job) {
  std::vector<std::thread> threads;
  for (int64_t i = 0; i < jobs; ++i) threads.emplace_back(job, i);
  for (std::thread& thread : threads) thread.join();
}

Gradients run(const Case& c, const Target& target) {
  const auto& [cell, seeds, steps, batch, units, width, table_rows] = c.shape;
  const Layout layout = layout_of(cell);
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  // (vectors, width), zero beyond the units
  const auto padded = [&](int64_t vectors, float scale) {
    Array array(vectors * width);
    for (int64_t i = 0; i < vectors * width; ++i) array[i] = i % width < units ? scale * normal(random) : 0;
    return array;
  };
  const Array table = padded(seeds * table_rows * layout.inputs, c.scale);
  const Array recurrent = padded(seeds * units * layout.gates, c.scale);
  const Array start = padded(seeds * batch * layout.states, 1);
  std::vector<int32_t> inputs(seeds * steps * batch), lengths(seeds * batch);
  for (std::size_t i = 0; i < inputs.size(); ++i)  // tokens, some out of range
    inputs[i] = c.unique_rows ? static_cast<int32_t>(i % (steps * batch))
                              : static_cast<int32_t>(random() % (table_rows + 2)) - 1;
  for (int32_t& length : lengths) length = static_cast<int32_t>(random() % (steps + 3)) - 1;
  const Plan plan{&target, c.parts, c.segment, c.unique_rows};

  Gradients found{.last = Array(start.size()),
                  .outputs = Array(c.outputs ? seeds * steps * batch * width : 0),
                  .d_start = Array(start.size()),
                  .d_table = Array(table.size()),
                  .d_recurrent = Array(recurrent.size())};
  Array tape(seeds * batch * tape_size(cell, steps, width, c.segment));
  forward(c.shape, plan,
          {.table = table.data(),
           .recurrent = recurrent.data(),
           .start = start.data(),
           .inputs = inputs.data(),
           .lengths = lengths.data(),
           .last = found.last.data(),
           .outputs = c.outputs ? found.outputs.data() : nullptr,
           .tape = tape.data()},
          on_threads);
  const Array d_last = padded(seeds * batch * layout.states, 1);
  const Array d_outputs = padded(c.outputs ? seeds * steps * batch : 0, 1);
  backward(c.shape, plan,
           {.table = table.data(),
            .recurrent = recurrent.data(),
            .inputs = inputs.data(),
            .lengths = lengths.data(),
            .tape = tape.data(),
            .d_last = d_last.data(),
            .d_outputs = c.outputs ? d_outputs.data() : nullptr,
            .d_start = found.d_start.data(),
            .d_table = found.d_table.data(),
            .d_recurrent = found.d_recurrent.data()},
           on_threads);
  return found;
}

bool all_close(const Array& a, const Array& b) {
  float largest = 1;
  for (const float x : b) largest = std::fmax(largest, std::fabs(x));
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!(std::fabs(a[i] - b[i]) <= 1e-4f * largest)) return false;
  return true;
}

bool targets_agree(const Case& c) {
  const Gradients expected = run(c, *targets().back());
  for (const Target* target : targets()) {
    const Gradients found = run(c, *target);
    if (std::isfinite(c.scale) &&
        !(all_close(found.last, expected.last) && all_close(found.outputs, expected.outputs) &&
          all_close(found.d_start, expected.d_start) && all_close(found.d_table, expected.d_table) &&
          all_close(found.d_recurrent, expected.d_recurrent))) {
      std::fprintf(stderr, "%s differs: %s, %d steps, batch %d, %d units, segment %d\n", target->name,
                   c.shape.cell == Cell::lstm ? "LSTM" : "GRU", int(c.shape.steps), int(c.shape.batch),
                   int(c.shape.units), int(c.segment));
      return false;
    }
  }
  return true;
}

int all_cases() {
  bool all = true;
  for (const Cell cell : {Cell::lstm, Cell::gru})
    for (const int64_t units : {3, 25})
      for (const int64_t batch : {7, 33})
        for (const int64_t steps : {0, 1, 9})
          for (const int64_t segment : {4, 9})
            for (const bool unique_rows : {false, true})
              for (const float scale : {0.3f, std::numeric_limits<float>::quiet_NaN()}) {
                const int64_t width = (units + alignment - 1) / alignment * alignment;
                const int64_t table_rows = unique_rows ? std::max<int64_t>(steps * batch, 1) : 5, parts = 1 + batch % 3;
                const Shape shape{cell, 2, steps, batch, units, width, table_rows};
                all &= targets_agree({shape, parts, segment, unique_rows, unique_rows, scale});
              }
  return all ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace memoryspan

int main() { return memoryspan::all_cases(); }
