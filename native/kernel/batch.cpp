#include "batch.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <numeric>
#include <vector>

#ifdef __SSE__
#include <xmmintrin.h>
#endif

namespace memoryspan {
namespace {

// While it lives, this thread takes numbers below the normal range for zero, as XLA does: a gradient that dies out over
// many steps passes through them, and an x86 processor takes a hundred times as long over each.
class WithoutSubnormals {
 public:
#ifdef __SSE__
  WithoutSubnormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | flush_to_zero | denormals_are_zero); }
  ~WithoutSubnormals() { _mm_setcsr(before_); }

 private:
  static constexpr unsigned flush_to_zero = 1 << 15, denormals_are_zero = 1 << 6;
  const unsigned before_;
#else
  WithoutSubnormals() {}
#endif
};

struct Free {
  void operator()(float* memory) const { std::free(memory); }
};

// Memory that is not filled: large pieces would cost as much to fill as to use.
using Scratch = std::unique_ptr<float[], Free>;

Scratch scratch(int64_t floats) {
  constexpr std::size_t line = 64;
  const std::size_t bytes = (floats * sizeof(float) + line) / line * line;
  void* memory = std::aligned_alloc(line, bytes);
  if (!memory) throw std::bad_alloc();
  return Scratch(static_cast<float*>(memory));
}

// Rows that are walked together: as many as let all that a step touches stay in the nearest cache (measured).
constexpr int64_t block = 16;

// The rows of a batch, longest first, dealt out to parts that are about equally long.
class Order {
 public:
  Order(const int32_t* lengths, int64_t batch, int64_t steps, int64_t parts) : first_(parts + 1) {
    std::vector<int32_t> longest_first(batch);
    std::iota(longest_first.begin(), longest_first.end(), 0);
    std::stable_sort(longest_first.begin(), longest_first.end(),
                     [lengths](int32_t a, int32_t b) { return lengths[a] > lengths[b]; });
    for (int64_t part = 0; part < parts; ++part) {
      first_[part] = row_.size();
      for (int64_t i = part; i < batch; i += parts) {
        row_.push_back(longest_first[i]);
        length_.push_back(std::clamp<int64_t>(lengths[longest_first[i]], 0, steps));
      }
    }
    first_[parts] = row_.size();
  }

  // Calls walk(rows, first) for every block of a part, where `first` counts the rows before it, those of other parts too.
  template <typename Walk>
  void for_each_block(int64_t part, const Shape& shape, const int32_t* inputs, Walk walk) const {
    const int64_t end = first_[part + 1];
    int64_t blocks = (end - first_[part] + block - 1) / block;
    for (int64_t first = first_[part]; first < end; --blocks) {
      const int64_t count = (end - first + blocks - 1) / blocks;  // equal ones
      walk(Rows{row_.data() + first, length_.data() + first, count, inputs, shape.steps, shape.batch}, first);
      first += count;
    }
  }

 private:
  std::vector<int32_t> row_, length_;
  std::vector<int64_t> first_;
};

std::vector<Order> orders(const Shape& shape, const Plan& plan, const int32_t* lengths) {
  std::vector<Order> found;
  for (int64_t seed = 0; seed < shape.seeds; ++seed)
    found.emplace_back(lengths + seed * shape.batch, shape.batch, shape.steps, plan.parts);
  return found;
}

// How long the arrays of one seed are, and a state.
struct Sizes {
  Sizes(const Shape& shape, const Plan& plan) {
    const Layout layout = layout_of(shape.cell);
    state = layout.states * shape.width;
    table = shape.table_rows * layout.inputs * shape.width;
    recurrent = shape.units * layout.gates * shape.width;
    states = shape.batch * state;
    outputs = shape.steps * shape.batch * shape.width;
    inputs = shape.steps * shape.batch;
    tape = shape.batch * tape_size(shape.cell, shape.steps, shape.width, plan.segment);
  }

  int64_t state, table, recurrent, states, outputs, inputs, tape;
};

template <typename T>
T* of_seed(T* array, int64_t seed, int64_t size) {
  return array ? array + seed * size : nullptr;
}

// The tapes of one part, block by block: in the memory that lasts from the way there to the way back, as far as that
// reaches, and else in memory of its own, where each block overwrites the one before.
class Tapes {
 public:
  Tapes(const Shape& shape, const Plan& plan, float* lasting)
      : segment_(std::max<int64_t>(std::min(plan.segment, shape.steps), 1)),
        all_(plan.segment >= shape.steps),
        a_row_(tape_size(shape.cell, shape.steps, shape.width, plan.segment)),
        state_(layout_of(shape.cell).states * shape.width),
        lasting_(lasting) {
    if (!all_ || !lasting_)
      own_ = scratch(std::min(block, shape.batch) * tape_size(shape.cell, segment_, shape.width, segment_));
  }

  Tape of(const Rows& rows, int64_t first) const {
    float* const lasting = lasting_ ? lasting_ + first * a_row_ : nullptr;
    float* const memory = own_ ? own_.get() : lasting;
    return {segment_, memory, memory + (segment_ + 1) * rows.count * state_, all_ ? nullptr : lasting};
  }

 private:
  const int64_t segment_;
  const bool all_;
  const int64_t a_row_, state_;
  float* const lasting_;
  Scratch own_;
};

Scratch transposed(const Shape& shape, const float* recurrent) {
  const int64_t gates = layout_of(shape.cell).gates, width = shape.width, units = shape.units;
  Scratch result = scratch(gates * units * width);
  std::fill_n(result.get(), gates * units * width, 0.0f);
  for (int64_t unit = 0; unit < units; ++unit)
    for (int64_t gate = 0; gate < gates; ++gate)
      for (int64_t from = 0; from < units; ++from)
        result[(gate * units + from) * width + unit] = recurrent[(unit * gates + gate) * width + from];
  return result;
}

void add(float* to, const float* from, int64_t count) {
  for (int64_t at = 0; at < count; ++at) to[at] += from[at];
}

}  // namespace

int64_t tape_size(Cell cell, int64_t steps, int64_t width, int64_t segment) {
  const Layout layout = layout_of(cell);
  if (segment >= steps) return ((steps + 1) * layout.states + steps * layout.notes) * width;
  return (steps + segment - 1) / segment * layout.states * width;
}

void forward(const Shape& shape, const Plan& plan, const ForwardArrays& arrays, const Executor& execute) {
  const Sizes sizes(shape, plan);
  const std::vector<Order> order = orders(shape, plan, arrays.lengths);
  execute(shape.seeds * plan.parts, [&](int64_t job) {
    const WithoutSubnormals fast;
    const int64_t seed = job / plan.parts, part = job % plan.parts;
    const Tapes tapes(shape, plan, of_seed(arrays.tape, seed, sizes.tape));
    Forward task{.layer = {of_seed(arrays.table, seed, sizes.table), of_seed(arrays.recurrent, seed, sizes.recurrent),
                           shape.table_rows, shape.units, shape.width},
                 .rows = {},
                 .tape = {},
                 .start = of_seed(arrays.start, seed, sizes.states),
                 .last = of_seed(arrays.last, seed, sizes.states),
                 .outputs = of_seed(arrays.outputs, seed, sizes.outputs)};
    const auto walk = [&](const Rows& rows, int64_t first) {
      task.rows = rows;
      task.tape = tapes.of(rows, first);
      plan.path->forward(shape.cell, task);
    };
    order[seed].for_each_block(part, shape, of_seed(arrays.inputs, seed, sizes.inputs), walk);
  });
}

void backward(const Shape& shape, const Plan& plan, const BackwardArrays& arrays, const Executor& execute) {
  const Sizes sizes(shape, plan);
  const std::vector<Order> order = orders(shape, plan, arrays.lengths);
  const int64_t of_table = plan.own_rows ? 0 : sizes.table, sums = sizes.recurrent + of_table;
  std::vector<Scratch> back(shape.seeds), partial(shape.seeds * plan.parts);
  for (int64_t seed = 0; seed < shape.seeds; ++seed) {
    back[seed] = transposed(shape, of_seed(arrays.recurrent, seed, sizes.recurrent));
    if (plan.own_rows) std::fill_n(of_seed(arrays.d_table, seed, sizes.table), sizes.table, 0.0f);
  }
  execute(shape.seeds * plan.parts, [&](int64_t job) {
    const WithoutSubnormals fast;
    const int64_t seed = job / plan.parts, part = job % plan.parts;
    const Tapes tapes(shape, plan, of_seed(arrays.tape, seed, sizes.tape));
    const Scratch d_state = scratch(std::min(block, shape.batch) * sizes.state);
    partial[job] = scratch(sums);
    std::fill_n(partial[job].get(), sums, 0.0f);
    Backward task{.layer = {of_seed(arrays.table, seed, sizes.table), of_seed(arrays.recurrent, seed, sizes.recurrent),
                            shape.table_rows, shape.units, shape.width},
                  .rows = {},
                  .tape = {},
                  .transposed = back[seed].get(),
                  .d_last = of_seed(arrays.d_last, seed, sizes.states),
                  .d_outputs = of_seed(arrays.d_outputs, seed, sizes.outputs),
                  .d_state = d_state.get(),
                  .d_start = of_seed(arrays.d_start, seed, sizes.states),
                  .d_table = plan.own_rows ? of_seed(arrays.d_table, seed, sizes.table)
                                           : partial[job].get() + sizes.recurrent,
                  .d_recurrent = partial[job].get()};
    const auto walk = [&](const Rows& rows, int64_t first) {
      task.rows = rows;
      task.tape = tapes.of(rows, first);
      plan.path->backward(shape.cell, task);
    };
    order[seed].for_each_block(part, shape, of_seed(arrays.inputs, seed, sizes.inputs), walk);
  });
  for (int64_t seed = 0; seed < shape.seeds; ++seed) {
    const Scratch* const parts = &partial[seed * plan.parts];
    const auto collect = [&](float* to, int64_t from, int64_t count) {
      std::copy_n(parts[0].get() + from, count, to);
      for (int64_t part = 1; part < plan.parts; ++part) add(to, parts[part].get() + from, count);
    };
    collect(of_seed(arrays.d_recurrent, seed, sizes.recurrent), 0, sizes.recurrent);
    collect(of_seed(arrays.d_table, seed, sizes.table), sizes.recurrent, of_table);
  }
}

}  // namespace memoryspan
