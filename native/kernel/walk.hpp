// What the kernel is asked to do: to walk a few rows of a batch, forward or back.
//
// All arrays are padded: a vector over units takes `width` floats, a multiple of `alignment`; what stands for units
// beyond the last is zero in the weights, and does no harm anywhere else.
#pragma once

#include <cstdint>

namespace memoryspan {

constexpr int64_t alignment = 16;  // the lanes of the widest path, so that all paths read the same arrays

// How many vectors over units a cell has of each kind.
struct Layout {
  int64_t inputs;  // in a row of the table
  int64_t gates;   // in a row of its recurrent kernel; what these give is added to the first inputs
  int64_t states;  // what it carries from step to step; the first is its answer
  int64_t notes;   // what it keeps of a step for the way back; the first ones become the gradients of the inputs
};

enum class Cell : int32_t { lstm, gru };

constexpr Layout layout_of(Cell cell) { return cell == Cell::lstm ? Layout{4, 4, 2, 5} : Layout{4, 3, 1, 4}; }

// A layer's weights. An input is the number of a row of `table`, which holds what it adds to the gates, biases included.
struct Layer {
  const float* table;      // [table_rows, inputs, width]
  const float* recurrent;  // [units, gates, width]
  int64_t table_rows, units, width;
};

// Rows that are walked together, longest first; `row[i]` is the place of the i-th in the batch.
struct Rows {
  const int32_t* row;
  const int32_t* length;
  int64_t count;
  const int32_t* inputs;  // [steps, batch]
  int64_t steps, batch;
};

// Where a walk keeps what the way back needs. A segment's memory holds the states before its first step and
// after each step, [segment + 1, count, states, width], and the notes of each step, [segment, count, notes, width].
// Without checkpoints there is one segment, as long as the walk; with them, [segments, count, states, width], the
// memory of one segment serves all, and the way back walks each a second time from its checkpoint.
struct Tape {
  int64_t segment;  // in steps
  float* states;
  float* notes;
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
  float* d_state;           // [count, states, width]: room to work in
  float* d_start;           // [batch, states, width]
  float* d_table;           // [table_rows, inputs, width]: added to
  float* d_recurrent;       // [units, gates, width]: added to
};

// One way to do it, for one kind of processor.
struct Path {
  const char* name;
  void (*forward)(Cell, const Forward&);
  void (*backward)(Cell, const Backward&);
  void (*sigmoid)(float* numbers, int64_t count);
  void (*hyperbolic_tangent)(float* numbers, int64_t count);
};

}  // namespace memoryspan
