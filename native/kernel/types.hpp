// The arguments of the kernel, which runs the recurrence forward or backward over a few rows of a batch.
//
// All arrays are padded: a vector over units has `width` floats, a multiple of `alignment`. The padding of the weights
// is zero, and that of other arrays has no effect.
#pragma once

#include <cstdint>

namespace memoryspan {

constexpr int64_t alignment = 16;  // the lanes of the widest target, so that all targets read the same arrays

// How many vectors over units a cell has of each kind.
struct Layout {
  int64_t inputs;  // in a row of the table
  int64_t gates;   // in a row of the recurrent kernel, whose products are added to the first inputs
  int64_t states;  // carried from step to step; the first one is the output
  int64_t saved;   // kept of each step for the backward pass; the first ones become the gradients of the inputs
};

enum class Cell : int32_t { lstm, gru };

constexpr Layout layout_of(Cell cell) { return cell == Cell::lstm ? Layout{4, 4, 2, 5} : Layout{4, 3, 1, 4}; }

// The weights of a layer. An input is the index of a row of `table`, which holds its contribution to the gates, biases
// included.
struct Layer {
  const float* table;      // [table_rows, inputs, width]
  const float* recurrent;  // [units, gates, width]
  int64_t table_rows, units, width;
};

// Rows that run together, the longest first. `row[i]` is the index in the batch of the i-th row.
struct Rows {
  const int32_t* row;
  const int32_t* length;
  int64_t count;
  const int32_t* inputs;  // [steps, batch]
  int64_t steps, batch;
};

// Memory for what the backward pass needs. A segment has the states before its first step and after each step,
// [segment + 1, count, states, width], and the saved vectors of each step, [segment, count, saved, width].
// Without checkpoints there is one segment, as long as the sequence. With checkpoints, [segments, count, states,
// width], all segments share the memory of one, and the backward pass recomputes each segment from its checkpoint.
struct Tape {
  int64_t segment;  // in steps
  float* states;
  float* saved;
  float* checkpoints;  // or null
};

struct Forward {
  Layer layer;
  Rows rows;
  Tape tape;
  const float* start;  // [batch, states, width]
  float* last;         // [batch, states, width]
  float* outputs;      // [steps, batch, width], or null
};

struct Backward {
  Layer layer;
  Rows rows;
  Tape tape;
  const float* transposed;  // [gates, units, width]: the recurrent kernel
  const float* d_last;      // [batch, states, width]
  const float* d_outputs;   // [steps, batch, width], or null
  float* d_state;           // [count, states, width]: scratch memory
  float* d_start;           // [batch, states, width]
  float* d_table;           // [table_rows, inputs, width]: added to
  float* d_recurrent;       // [units, gates, width]: added to
};

// The code compiled for one kind of processor.
struct Target {
  const char* name;
  void (*forward)(Cell, const Forward&);
  void (*backward)(Cell, const Backward&);
  void (*sigmoid)(float* numbers, int64_t count);
  void (*hyperbolic_tangent)(float* numbers, int64_t count);
};

}  // namespace memoryspan
