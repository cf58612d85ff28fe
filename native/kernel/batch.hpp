// A batch, or several of the same shape, shared out among threads.
#pragma once

#include <cstdint>
#include <functional>

#include "walk.hpp"

namespace memoryspan {

// Runs job(0) to job(jobs - 1), in any order, on as many threads as it likes; returns when all are done.
using Executor = std::function<void(int64_t jobs, const std::function<void(int64_t)>& job)>;

struct Shape {
  Cell cell;
  int64_t seeds, steps, batch, units, width, table_rows;
};

struct Plan {
  const Path* path;
  int64_t parts;    // in which the rows of a batch are walked; sums are taken part by part, in their order
  int64_t segment;  // steps that are kept on the tape together: all, or, with checkpoints, fewer
  bool own_rows;    // no two inputs share a row of the table, so that its gradient is written, not summed
};

// The length of a tape, in floats, for each row of a batch.
int64_t tape_size(Cell cell, int64_t steps, int64_t width, int64_t segment);

// Arrays with the seeds first; shapes of one seed as in walk.hpp.
struct ForwardArrays {
  const float *table, *recurrent, *start;
  const int32_t *inputs, *lengths;
  float *last, *outputs, *tape;  // outputs and tape may be null
};

struct BackwardArrays {
  const float *table, *recurrent;
  const int32_t *inputs, *lengths;
  float* tape;  // its notes are overwritten
  const float *d_last, *d_outputs;
  float *d_start, *d_table, *d_recurrent;
};

void forward(const Shape&, const Plan&, const ForwardArrays&, const Executor&);
void backward(const Shape&, const Plan&, const BackwardArrays&, const Executor&);

}  // namespace memoryspan
