// The walk itself, for one cell at one width of vectors.
#pragma once

#include "gru.hpp"
#include "lstm.hpp"
#include "product.hpp"
#include "walk.hpp"

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
class Walker {
  using Step = CellOf<lanes>;
  static constexpr Layout layout = layout_of(Step::cell);

 public:
  Walker(const Layer& layer, const Rows& rows, const Tape& tape)
      : layer(layer),
        rows(rows),
        tape(tape),
        width(layer.width),
        inputs(layout.inputs * width),
        gates(layout.gates * width),
        state(layout.states * width),
        notes(layout.notes * width),
        longest(rows.count ? rows.length[0] : 0) {}

  void forward(const Forward& task) {
    for (int64_t i = 0; i < rows.count; ++i) {
      copy<lanes>(states_at(0, i), task.start + rows.row[i] * state, state);
      if (!rows.length[i]) copy<lanes>(task.last + rows.row[i] * state, states_at(0, i), state);
    }
    int64_t alive = alive_at(0, rows.count);
    for (int64_t from = 0; from < longest; from += tape.segment) {
      if (tape.checkpoints) copy<lanes>(checkpoint(from), states_at(0, 0), alive * state);
      const int64_t steps = steps_from(from);
      walk(from, steps, alive);
      if (task.outputs) hand_out(task.outputs, from, steps);
      const int64_t still = alive_at(from + steps, alive);
      for (int64_t i = still; i < alive; ++i)
        copy<lanes>(task.last + rows.row[i] * state, states_at(rows.length[i] - from, i), state);
      if (from + steps < longest) copy<lanes>(states_at(0, 0), states_at(steps, 0), still * state);
      alive = still;
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
    int64_t alive = 0;
    for (int64_t from = (segments - 1) * tape.segment; from >= 0; from -= tape.segment) {
      const int64_t steps = steps_from(from);
      if (tape.checkpoints) {
        const int64_t all = alive_at(from, rows.count);
        copy<lanes>(states_at(0, 0), checkpoint(from), all * state);
        walk(from, steps, all);
      }
      int64_t waiting = 0;  // steps whose gradients are known, but not yet in that of the recurrent kernel
      for (int64_t step = steps - 1; step >= 0; --step) {
        const int64_t before = alive;
        while (alive < rows.count && rows.length[alive] > from + step) ++alive;
        if (waiting && (alive != before || waiting * alive >= many)) {
          add_recurrent_gradient(task, step + 1, waiting, before);
          waiting = 0;
        }
        step_back(task, from + step, step, alive);
        ++waiting;
      }
      add_recurrent_gradient(task, 0, waiting, alive);
    }
    for (int64_t i = 0; i < rows.count; ++i)
      copy<lanes>(task.d_start + rows.row[i] * state, task.d_state + i * state, state);
  }

 private:
  void walk(int64_t from, int64_t steps, int64_t alive) {
    for (int64_t step = 0; step < steps; ++step) {
      alive = alive_at(from + step, alive);
      step_on(from + step, step, alive);
    }
  }

  void step_on(int64_t t, int64_t step, int64_t alive) {
    const Product gates_of_states{.out = notes_at(step, 0),
                                  .out_row = notes,
                                  .a = states_at(step, 0),
                                  .a_row = state,
                                  .a_term = 1,
                                  .a_group = 0,
                                  .b = layer.recurrent,
                                  .b_term = gates,
                                  .b_group = 0,
                                  .groups = 1,
                                  .terms = layer.units};
    product<lanes>(gates_of_states, alive, gates, [&](int64_t i) { return table_at(t, i); });
    // In two rounds: what waits for the new state would fill the processor's window, and the rest would wait with it.
    for (int64_t i = 0; i < alive; ++i) {
      Step::activate(notes_at(step, i), width);
      if (t + 1 < rows.steps) prefetch(table_at(t + 1, i), inputs);
    }
    for (int64_t i = 0; i < alive; ++i)
      Step::advance(table_at(t, i), notes_at(step, i), states_at(step, i), states_at(step + 1, i), width);
  }

  // Terms of a sum that are worth its coming and going.
  static constexpr int64_t many = 64;

  void step_back(const Backward& task, int64_t t, int64_t step, int64_t alive) {
    for (int64_t i = 0; i < alive; ++i) {
      float* d_state = task.d_state + i * state;
      if (task.d_outputs) add<lanes>(d_state, task.d_outputs + (t * rows.batch + rows.row[i]) * width, width);
      Step::backward(notes_at(step, i), states_at(step, i), d_state, width);
      add<lanes>(task.d_table + input(t, i) * inputs, notes_at(step, i), inputs);
    }
    add_product<lanes>({.out = task.d_state,
                        .out_row = state,
                        .a = notes_at(step, 0),
                        .a_row = notes,
                        .a_term = 1,
                        .a_group = width,
                        .b = task.transposed,
                        .b_term = width,
                        .b_group = layer.units * width,
                        .groups = layout.gates,
                        .terms = layer.units},
                       alive, width);
  }

  // Of `steps` steps from `first` on in which `alive` rows were alive: few at a time would wait for the sums to come and go.
  void add_recurrent_gradient(const Backward& task, int64_t first, int64_t steps, int64_t alive) {
    add_product<lanes>({.out = task.d_recurrent,
                        .out_row = gates,
                        .a = states_at(first, 0),
                        .a_row = 1,
                        .a_term = state,
                        .a_group = rows.count * state,
                        .b = notes_at(first, 0),
                        .b_term = notes,
                        .b_group = rows.count * notes,
                        .groups = steps,
                        .terms = alive},
                       layer.units, gates);
  }

  void hand_out(float* outputs, int64_t from, int64_t steps) {
    for (int64_t i = 0; i < rows.count; ++i)
      for (int64_t step = 0; step < steps && from + step < rows.length[i]; ++step)
        copy<lanes>(outputs + ((from + step) * rows.batch + rows.row[i]) * width, states_at(step + 1, i), width);
  }

  // The input of the i-th row, where one beyond the table counts as the last, or the first, row of the table.
  int64_t input(int64_t t, int64_t i) const {
    const int64_t index = rows.inputs[t * rows.batch + rows.row[i]];
    return index < 0 ? 0 : index < layer.table_rows ? index : layer.table_rows - 1;
  }

  const float* table_at(int64_t t, int64_t i) const { return layer.table + input(t, i) * inputs; }

  // How many rows have a step t, where at most `alive` have.
  int64_t alive_at(int64_t t, int64_t alive) const {
    while (alive && rows.length[alive - 1] <= t) --alive;
    return alive;
  }

  int64_t steps_from(int64_t from) const { return from + tape.segment < longest ? tape.segment : longest - from; }

  float* states_at(int64_t step, int64_t i) const { return tape.states + (step * rows.count + i) * state; }
  float* notes_at(int64_t step, int64_t i) const { return tape.notes + (step * rows.count + i) * notes; }
  float* checkpoint(int64_t from) const { return tape.checkpoints + from / tape.segment * rows.count * state; }

  const Layer layer;
  const Rows rows;
  const Tape tape;
  const int64_t width, inputs, gates, state, notes, longest;
};

template <int lanes>
void forward(Cell cell, const Forward& task) {
  if (cell == Cell::lstm) return Walker<LSTM, lanes>(task.layer, task.rows, task.tape).forward(task);
  Walker<GRU, lanes>(task.layer, task.rows, task.tape).forward(task);
}

template <int lanes>
void backward(Cell cell, const Backward& task) {
  if (cell == Cell::lstm) return Walker<LSTM, lanes>(task.layer, task.rows, task.tape).backward(task);
  Walker<GRU, lanes>(task.layer, task.rows, task.tape).backward(task);
}

template <int lanes>
constexpr Path path_of(const char* name) {
  return {name, forward<lanes>, backward<lanes>, each<lanes, sigmoid<lanes>>,
          each<lanes, hyperbolic_tangent<lanes>>};
}

}  // namespace memoryspan
