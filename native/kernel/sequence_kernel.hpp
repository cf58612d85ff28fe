// The recurrence over the rows of one block, for one cell and one vector width.
#pragma once

#include "gemm.hpp"
#include "gru.hpp"
#include "lstm.hpp"
#include "types.hpp"

namespace memoryspan {

template <int lanes>
inline void copy(float* to, const float* from, int64_t count) {
  for (int64_t at = 0; at < count; at += lanes) store<lanes>(to + at, load<lanes>(from + at));
}

template <int lanes>
inline void add(float* to, const float* from, int64_t count) {
  for (int64_t at = 0; at < count; at += lanes) store<lanes>(to + at, load<lanes>(to + at) + load<lanes>(from + at));
}

inline void prefetch(const float* from, int64_t count) {
  for (int64_t at = 0; at < count; at += 16) __builtin_prefetch(from + at);
}

template <int lanes>
inline void clear(float* to, int64_t count) {
  for (int64_t at = 0; at < count; at += lanes) store<lanes>(to + at, Floats<lanes>{});
}

template <template <int> typename CellOf, int lanes>
class SequenceKernel {
  using Step = CellOf<lanes>;
  static constexpr Layout layout = layout_of(Step::cell);

 public:
  SequenceKernel(const Layer& layer, const Rows& rows, const Tape& tape)
      : layer(layer),
        rows(rows),
        tape(tape),
        width(layer.width),
        inputs(layout.inputs * width),
        gates(layout.gates * width),
        state(layout.states * width),
        saved(layout.saved * width),
        longest(rows.count ? rows.length[0] : 0) {}

  void forward(const Forward& task) {
    for (int64_t i = 0; i < rows.count; ++i) {
      copy<lanes>(states_at(0, i), task.start + rows.row[i] * state, state);
      if (!rows.length[i]) copy<lanes>(task.last + rows.row[i] * state, states_at(0, i), state);
    }
    int64_t active = active_at(0, rows.count);
    for (int64_t from = 0; from < longest; from += tape.segment) {
      if (tape.checkpoints) copy<lanes>(checkpoint(from), states_at(0, 0), active * state);
      const int64_t steps = steps_from(from);
      run(from, steps, active);
      if (task.outputs) copy_outputs(task.outputs, from, steps);
      const int64_t remaining = active_at(from + steps, active);
      for (int64_t i = remaining; i < active; ++i)
        copy<lanes>(task.last + rows.row[i] * state, states_at(rows.length[i] - from, i), state);
      if (from + steps < longest) copy<lanes>(states_at(0, 0), states_at(steps, 0), remaining * state);
      active = remaining;
    }
    if (task.outputs)
      for (int64_t i = 0; i < rows.count; ++i)
        for (int64_t t = rows.length[i]; t < rows.steps; ++t)
          clear<lanes>(task.outputs + (t * rows.batch + rows.row[i]) * width, width);
  }

  void backward(const Backward& task) {
    for (int64_t i = 0; i < rows.count; ++i)
      copy<lanes>(task.d_state + i * state, task.d_last + rows.row[i] * state, state);
    const int64_t segments = (longest + tape.segment - 1) / tape.segment;
    int64_t active = 0;
    for (int64_t from = (segments - 1) * tape.segment; from >= 0; from -= tape.segment) {
      const int64_t steps = steps_from(from);
      if (tape.checkpoints) {
        const int64_t all = active_at(from, rows.count);
        copy<lanes>(states_at(0, 0), checkpoint(from), all * state);
        run(from, steps, all);
      }
      int64_t pending = 0;  // steps whose gradients have not been added to that of the recurrent kernel
      for (int64_t step = steps - 1; step >= 0; --step) {
        const int64_t before = active;
        while (active < rows.count && rows.length[active] > from + step) ++active;
        if (pending && (active != before || pending * active >= min_terms)) {
          add_recurrent_gradient(task, step + 1, pending, before);
          pending = 0;
        }
        step_backward(task, from + step, step, active);
        ++pending;
      }
      add_recurrent_gradient(task, 0, pending, active);
    }
    for (int64_t i = 0; i < rows.count; ++i)
      copy<lanes>(task.d_start + rows.row[i] * state, task.d_state + i * state, state);
  }

 private:
  void run(int64_t from, int64_t steps, int64_t active) {
    for (int64_t step = 0; step < steps; ++step) {
      active = active_at(from + step, active);
      step_forward(from + step, step, active);
    }
  }

  void step_forward(int64_t t, int64_t step, int64_t active) {
    const Gemm gates_of_states{.out = saved_at(step, 0),
                               .out_row = saved,
                               .a = states_at(step, 0),
                               .a_row = state,
                               .a_term = 1,
                               .a_group = 0,
                               .b = layer.recurrent,
                               .b_term = gates,
                               .b_group = 0,
                               .groups = 1,
                               .terms = layer.units};
    gemm<lanes>(gates_of_states, active, gates, [&](int64_t i) { return table_at(t, i); });
    // Two loops: in a single one, instructions that wait for the new state would fill the reorder buffer and stall the
    // independent ones.
    for (int64_t i = 0; i < active; ++i) {
      Step::activate(saved_at(step, i), width);
      if (t + 1 < rows.steps) prefetch(table_at(t + 1, i), inputs);
    }
    for (int64_t i = 0; i < active; ++i)
      Step::advance(table_at(t, i), saved_at(step, i), states_at(step, i), states_at(step + 1, i), width);
  }

  // The number of terms from which a sum is worth loading and storing the result.
  static constexpr int64_t min_terms = 64;

  void step_backward(const Backward& task, int64_t t, int64_t step, int64_t active) {
    for (int64_t i = 0; i < active; ++i) {
      float* d_state = task.d_state + i * state;
      if (task.d_outputs) add<lanes>(d_state, task.d_outputs + (t * rows.batch + rows.row[i]) * width, width);
      Step::backward(saved_at(step, i), states_at(step, i), d_state, width);
      add<lanes>(task.d_table + input(t, i) * inputs, saved_at(step, i), inputs);
    }
    gemm_add<lanes>({.out = task.d_state,
                     .out_row = state,
                     .a = saved_at(step, 0),
                     .a_row = saved,
                     .a_term = 1,
                     .a_group = width,
                     .b = task.transposed,
                     .b_term = width,
                     .b_group = layer.units * width,
                     .groups = layout.gates,
                     .terms = layer.units},
                    active, width);
  }

  // Add the part of `steps` steps that begin at `first`, all with the same number of active rows.
  void add_recurrent_gradient(const Backward& task, int64_t first, int64_t steps, int64_t active) {
    gemm_add<lanes>({.out = task.d_recurrent,
                     .out_row = gates,
                     .a = states_at(first, 0),
                     .a_row = 1,
                     .a_term = state,
                     .a_group = rows.count * state,
                     .b = saved_at(first, 0),
                     .b_term = saved,
                     .b_group = rows.count * saved,
                     .groups = steps,
                     .terms = active},
                    layer.units, gates);
  }

  void copy_outputs(float* outputs, int64_t from, int64_t steps) {
    for (int64_t i = 0; i < rows.count; ++i)
      for (int64_t step = 0; step < steps && from + step < rows.length[i]; ++step)
        copy<lanes>(outputs + ((from + step) * rows.batch + rows.row[i]) * width, states_at(step + 1, i), width);
  }

  // The input of the i-th row, clamped to the rows of the table.
  int64_t input(int64_t t, int64_t i) const {
    const int64_t index = rows.inputs[t * rows.batch + rows.row[i]];
    return index < 0 ? 0 : index < layer.table_rows ? index : layer.table_rows - 1;
  }

  const float* table_at(int64_t t, int64_t i) const { return layer.table + input(t, i) * inputs; }

  // How many rows have a step t, given that at most `active` rows have.
  int64_t active_at(int64_t t, int64_t active) const {
    while (active && rows.length[active - 1] <= t) --active;
    return active;
  }

  int64_t steps_from(int64_t from) const { return from + tape.segment < longest ? tape.segment : longest - from; }

  float* states_at(int64_t step, int64_t i) const { return tape.states + (step * rows.count + i) * state; }
  float* saved_at(int64_t step, int64_t i) const { return tape.saved + (step * rows.count + i) * saved; }
  float* checkpoint(int64_t from) const { return tape.checkpoints + from / tape.segment * rows.count * state; }

  const Layer layer;
  const Rows rows;
  const Tape tape;
  const int64_t width, inputs, gates, state, saved, longest;
};

template <int lanes>
void forward(Cell cell, const Forward& task) {
  if (cell == Cell::lstm) return SequenceKernel<LSTM, lanes>(task.layer, task.rows, task.tape).forward(task);
  SequenceKernel<GRU, lanes>(task.layer, task.rows, task.tape).forward(task);
}

template <int lanes>
void backward(Cell cell, const Backward& task) {
  if (cell == Cell::lstm) return SequenceKernel<LSTM, lanes>(task.layer, task.rows, task.tape).backward(task);
  SequenceKernel<GRU, lanes>(task.layer, task.rows, task.tape).backward(task);
}

template <int lanes>
constexpr Target make_target(const char* name) {
  return {name, forward<lanes>, backward<lanes>, apply<lanes, sigmoid<lanes>>, apply<lanes, hyperbolic_tangent<lanes>>};
}

}  // namespace memoryspan
