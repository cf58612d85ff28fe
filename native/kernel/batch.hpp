// The recurrence over a batch, or over several batches of the same shape, shared out among threads.
#pragma once

#include <cstdint>
#include <functional>

#include "types.hpp"

namespace memoryspan {

// Run job(0) to job(jobs - 1), in any order and on any number of threads, and return when all are done.
using Executor = std::function<void(int64_t jobs, const std::function<void(int64_t)>& job)>;

struct Shape {
  Cell cell;
  int64_t seeds, steps, batch, units, width, table_rows;
};

struct Plan {
  const Target* target;
  int64_t parts;     // into which the rows of a batch are divided; gradients are summed part by part, in order
  int64_t segment;   // steps that are kept on the tape together: all, or fewer with checkpoints
  bool unique_rows;  // no two inputs share a row of the table, so its gradient is written without a sum over parts
};

// The size of a tape, in floats, for each row of a batch.
int64_t tape_size(Cell cell, int64_t steps, int64_t width, int64_t segment);

// The seeds are the first dimension of each array; the others are those of types.hpp.
struct ForwardArrays {
  const float *table, *recurrent, *start;
  const int32_t *inputs, *lengths;
  float *last, *outputs, *tape;  // outputs and tape may be null
};

struct BackwardArrays {
  const float *table, *recurrent;
  const int32_t *inputs, *lengths;
  float* tape;  // overwritten
  const float *d_last, *d_outputs;
  float *d_start, *d_table, *d_recurrent;
};

void forward(const Shape&, const Plan&, const ForwardArrays&, const Executor&);
void backward(const Shape&, const Plan&, const BackwardArrays&, const Executor&);

}  // namespace memoryspan
