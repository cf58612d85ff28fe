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

// The rows of a batch, longest first within each part, and the parts about equally long.
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

  int64_t first(int64_t part) const { return first_[part]; }

  Rows rows(int64_t part, const int32_t* inputs, const Shape& shape) const {
    const int64_t first = first_[part];
    return {row_.data() + first, length_.data() + first, first_[part + 1] - first, inputs, shape.steps, shape.batch};
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

// How long the arrays of one seed are.
struct Sizes {
  explicit Sizes(const Shape& shape)
      : layout(layout_of(shape.cell)),
        state(layout.states * shape.width),
        table(shape.table_rows * layout.inputs * shape.width),
        recurrent(shape.units * layout.gates * shape.width),
        states(shape.batch * state),
        outputs(shape.steps * shape.batch * shape.width),
        inputs(shape.steps * shape.batch) {}

  Layout layout;
  int64_t state, table, recurrent, states, outputs, inputs;
};

template <typename T>
T* of_seed(T* array, int64_t seed, int64_t size) {
  return array ? array + seed * size : nullptr;
}

bool keeps_all(const Shape& shape, const Plan& plan) { return plan.segment >= shape.steps; }

// The tape of one part: in the memory that lasts from the way there to the way back, or, for what does not, in `room`.
Tape tape_of(const Shape& shape, const Plan& plan, const Rows& rows, float* lasting, Scratch& room) {
  const Sizes sizes(shape);
  const bool all = keeps_all(shape, plan);
  const int64_t segment = std::min(plan.segment, shape.steps);
  const int64_t states = (segment + 1) * rows.count * sizes.state;
  float* memory = all ? lasting : nullptr;
  if (!memory) {
    room = scratch(rows.count * tape_size(shape.cell, segment, shape.width, segment));
    memory = room.get();
  }
  return {std::max<int64_t>(segment, 1), memory, memory + states, all ? nullptr : lasting};
}

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
  const Sizes sizes(shape);
  const std::vector<Order> order = orders(shape, plan, arrays.lengths);
  const int64_t a_row = tape_size(shape.cell, shape.steps, shape.width, plan.segment);
  execute(shape.seeds * plan.parts, [&](int64_t job) {
    const WithoutSubnormals fast;
    const int64_t seed = job / plan.parts, part = job % plan.parts;
    const Rows rows = order[seed].rows(part, of_seed(arrays.inputs, seed, sizes.inputs), shape);
    float* tape = of_seed(arrays.tape, seed, shape.batch * a_row);
    Scratch room;
    plan.path->forward(
        shape.cell,
        {.layer = {of_seed(arrays.table, seed, sizes.table), of_seed(arrays.recurrent, seed, sizes.recurrent),
                   shape.table_rows, shape.units, shape.width},
         .rows = rows,
         .tape = tape_of(shape, plan, rows, tape ? tape + order[seed].first(part) * a_row : nullptr, room),
         .start = of_seed(arrays.start, seed, sizes.states),
         .last = of_seed(arrays.last, seed, sizes.states),
         .outputs = of_seed(arrays.outputs, seed, sizes.outputs)});
  });
}

void backward(const Shape& shape, const Plan& plan, const BackwardArrays& arrays, const Executor& execute) {
  const Sizes sizes(shape);
  const std::vector<Order> order = orders(shape, plan, arrays.lengths);
  const int64_t a_row = tape_size(shape.cell, shape.steps, shape.width, plan.segment);
  const int64_t of_table = plan.own_rows ? 0 : sizes.table, sums = sizes.recurrent + of_table;
  std::vector<Scratch> back(shape.seeds), partial(shape.seeds * plan.parts);
  for (int64_t seed = 0; seed < shape.seeds; ++seed) {
    back[seed] = transposed(shape, of_seed(arrays.recurrent, seed, sizes.recurrent));
    if (plan.own_rows) std::fill_n(of_seed(arrays.d_table, seed, sizes.table), sizes.table, 0.0f);
  }
  execute(shape.seeds * plan.parts, [&](int64_t job) {
    const WithoutSubnormals fast;
    const int64_t seed = job / plan.parts, part = job % plan.parts;
    const Rows rows = order[seed].rows(part, of_seed(arrays.inputs, seed, sizes.inputs), shape);
    Scratch room, d_state = scratch(rows.count * sizes.state);
    partial[job] = scratch(sums);
    float *d_recurrent = partial[job].get(), *d_table = d_recurrent + sizes.recurrent;
    std::fill_n(d_recurrent, sums, 0.0f);
    plan.path->backward(
        shape.cell,
        {.layer = {of_seed(arrays.table, seed, sizes.table), of_seed(arrays.recurrent, seed, sizes.recurrent),
                   shape.table_rows, shape.units, shape.width},
         .rows = rows,
         .tape = tape_of(shape, plan, rows,
                         of_seed(arrays.tape, seed, shape.batch * a_row) + order[seed].first(part) * a_row, room),
         .transposed = back[seed].get(),
         .d_last = of_seed(arrays.d_last, seed, sizes.states),
         .d_outputs = of_seed(arrays.d_outputs, seed, sizes.outputs),
         .d_state = d_state.get(),
         .d_start = of_seed(arrays.d_start, seed, sizes.states),
         .d_table = plan.own_rows ? of_seed(arrays.d_table, seed, sizes.table) : d_table,
         .d_recurrent = d_recurrent});
  });
  for (int64_t seed = 0; seed < shape.seeds; ++seed) {
    const auto collect = [&](float* to, int64_t from, int64_t count) {
      std::copy_n(partial[seed * plan.parts].get() + from, count, to);
      for (int64_t part = 1; part < plan.parts; ++part) add(to, partial[seed * plan.parts + part].get() + from, count);
    };
    collect(of_seed(arrays.d_recurrent, seed, sizes.recurrent), 0, sizes.recurrent);
    collect(of_seed(arrays.d_table, seed, sizes.table), sizes.recurrent, of_table);
  }
}

}  // namespace memoryspan
