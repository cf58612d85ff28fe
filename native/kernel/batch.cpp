#include "batch.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <numeric>
#include <vector>

#ifdef __SSE__
#include <xmmintrin.h>
#endif

namespace memoryspan {
namespace {

// While an object of this class exists, its thread treats subnormal numbers as zero, as XLA does. A gradient that
// vanishes over many steps passes through them, and an x86 processor takes a hundred times as long for each.
class DenormalsAreZero {
 public:
#ifdef __SSE__
  DenormalsAreZero() : before_(_mm_getcsr()) { _mm_setcsr(before_ | flush_to_zero | denormals_are_zero); }
  ~DenormalsAreZero() { _mm_setcsr(before_); }

 private:
  static constexpr unsigned flush_to_zero = 1 << 15, denormals_are_zero = 1 << 6;
  const unsigned before_;
#else
  DenormalsAreZero() {}
#endif
};

constexpr std::align_val_t cache_line{64};

struct Free {
  void operator()(float* memory) const { ::operator delete[](memory, cache_line); }
};

// Memory that is not initialized, because to fill a large piece would cost as much as to use it.
using Scratch = std::unique_ptr<float[], Free>;

Scratch scratch(int64_t floats) {
  return Scratch(static_cast<float*>(::operator new[](floats * sizeof(float), cache_line)));
}

// The maximum number of rows that run together: all that a step reads and writes stays in the first-level cache
// (measured).
constexpr int64_t block = 16;

// The rows of a batch, the longest first, dealt out to parts of about the same total length.
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

  // Call run(rows, first) for every block of a part, where `first` is the number of rows before it in all parts. The
  // blocks are as equal as possible.
  template <typename Run>
  void for_each_block(int64_t part, const Shape& shape, const int32_t* inputs, Run run) const {
    const int64_t end = first_[part + 1];
    int64_t blocks = (end - first_[part] + block - 1) / block;
    for (int64_t first = first_[part]; first < end; --blocks) {
      const int64_t count = (end - first + blocks - 1) / blocks;
      run(Rows{row_.data() + first, length_.data() + first, count, inputs, shape.steps, shape.batch}, first);
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

// The number of elements of a state, and of each array of one seed.
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

// The tapes of the blocks of one part. `kept` is the memory that lasts from the forward to the backward pass, or null
// if no backward pass follows. It holds the tapes of whole sequences, or else only their checkpoints: then, as without
// it, the blocks share scratch memory for one segment.
class Tapes {
 public:
  Tapes(const Shape& shape, const Plan& plan, float* kept)
      : segment_(std::max<int64_t>(std::min(plan.segment, shape.steps), 1)),
        whole_(plan.segment >= shape.steps),
        kept_per_row_(tape_size(shape.cell, shape.steps, shape.width, plan.segment)),
        state_(layout_of(shape.cell).states * shape.width),
        kept_(kept) {
    if (!whole_ || !kept_)
      shared_ = scratch(std::min(block, shape.batch) * tape_size(shape.cell, segment_, shape.width, segment_));
  }

  Tape of(const Rows& rows, int64_t first) const {
    float* const kept = kept_ ? kept_ + first * kept_per_row_ : nullptr;
    float* const memory = shared_ ? shared_.get() : kept;
    return {segment_, memory, memory + (segment_ + 1) * rows.count * state_, whole_ ? nullptr : kept};
  }

 private:
  const int64_t segment_;
  const bool whole_;
  const int64_t kept_per_row_, state_;
  float* const kept_;
  Scratch shared_;
};

// Run `kernel` over every block of a batch. `set_up(task, seed, job)` sets the members of a task that belong to its
// direction only.
template <typename Task, typename Arrays, typename SetUp>
void run_blocks(const Shape& shape, const Plan& plan, const Arrays& arrays, const Executor& execute,
                void (*kernel)(Cell, const Task&), SetUp set_up) {
  const Sizes sizes(shape, plan);
  const std::vector<Order> order = orders(shape, plan, arrays.lengths);
  execute(shape.seeds * plan.parts, [&](int64_t job) {
    const DenormalsAreZero guard;
    const int64_t seed = job / plan.parts, part = job % plan.parts;
    const Tapes tapes(shape, plan, of_seed(arrays.tape, seed, sizes.tape));
    Task task{};
    task.layer = {of_seed(arrays.table, seed, sizes.table), of_seed(arrays.recurrent, seed, sizes.recurrent),
                  shape.table_rows, shape.units, shape.width};
    set_up(task, seed, job);
    const auto run = [&](const Rows& rows, int64_t first) {
      task.rows = rows;
      task.tape = tapes.of(rows, first);
      kernel(shape.cell, task);
    };
    order[seed].for_each_block(part, shape, of_seed(arrays.inputs, seed, sizes.inputs), run);
  });
}

Scratch transpose(const Shape& shape, const float* recurrent) {
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
  if (segment >= steps) return ((steps + 1) * layout.states + steps * layout.saved) * width;
  return (steps + segment - 1) / segment * layout.states * width;
}

void forward(const Shape& shape, const Plan& plan, const ForwardArrays& arrays, const Executor& execute) {
  const Sizes sizes(shape, plan);
  run_blocks(shape, plan, arrays, execute, plan.target->forward, [&](Forward& task, int64_t seed, int64_t) {
    task.start = of_seed(arrays.start, seed, sizes.states);
    task.last = of_seed(arrays.last, seed, sizes.states);
    task.outputs = of_seed(arrays.outputs, seed, sizes.outputs);
  });
}

void backward(const Shape& shape, const Plan& plan, const BackwardArrays& arrays, const Executor& execute) {
  const Sizes sizes(shape, plan);
  std::vector<Scratch> transposed(shape.seeds);
  for (int64_t seed = 0; seed < shape.seeds; ++seed) {
    transposed[seed] = transpose(shape, of_seed(arrays.recurrent, seed, sizes.recurrent));
    if (plan.unique_rows) std::fill_n(of_seed(arrays.d_table, seed, sizes.table), sizes.table, 0.0f);
  }
  // Each job has memory for its part of the gradients that are summed, and for the gradient of the state.
  std::vector<Scratch> partial(shape.seeds * plan.parts);
  const int64_t table_sums = plan.unique_rows ? 0 : sizes.table, sums = sizes.recurrent + table_sums;
  run_blocks(shape, plan, arrays, execute, plan.target->backward, [&](Backward& task, int64_t seed, int64_t job) {
    partial[job] = scratch(sums + std::min(block, shape.batch) * sizes.state);
    float* const memory = partial[job].get();
    std::fill_n(memory, sums, 0.0f);
    task.transposed = transposed[seed].get();
    task.d_last = of_seed(arrays.d_last, seed, sizes.states);
    task.d_outputs = of_seed(arrays.d_outputs, seed, sizes.outputs);
    task.d_state = memory + sums;
    task.d_start = of_seed(arrays.d_start, seed, sizes.states);
    task.d_table = plan.unique_rows ? of_seed(arrays.d_table, seed, sizes.table) : memory + sizes.recurrent;
    task.d_recurrent = memory;
  });
  for (int64_t seed = 0; seed < shape.seeds; ++seed) {
    const Scratch* const parts = &partial[seed * plan.parts];
    const auto sum_parts = [&](float* to, int64_t from, int64_t count) {
      std::copy_n(parts[0].get() + from, count, to);
      for (int64_t part = 1; part < plan.parts; ++part) add(to, parts[part].get() + from, count);
    };
    sum_parts(of_seed(arrays.d_recurrent, seed, sizes.recurrent), 0, sizes.recurrent);
    sum_parts(of_seed(arrays.d_table, seed, sizes.table), sizes.recurrent, table_sums);
  }
}

}  // namespace memoryspan
