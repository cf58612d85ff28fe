// The library's door: XLA's custom calls, and a few plain functions for Python.
#include <atomic>
#include <memory>
#include <string>

#include "batch.hpp"
#include "paths.hpp"
#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace memoryspan {
namespace {

using Reals = ffi::Buffer<ffi::F32>;
using Whole = ffi::Buffer<ffi::S32>;
using Result = ffi::Result<Reals>;

// Jobs on XLA's own threads, the calling one among them. The helpers may come late, or never: then the caller has done
// all of the work, and what they hold keeps alive what they look at.
Executor on_threads_of(ffi::ThreadPool& pool) {
  return [&pool](int64_t jobs, const std::function<void(int64_t)>& job) {
    struct Shared {
      std::atomic<int64_t> next = 0, done = 0;
      int64_t jobs;
      const std::function<void(int64_t)>* job;
    };
    const auto shared = std::make_shared<Shared>();
    shared->jobs = jobs;
    shared->job = &job;
    const auto work = [shared] {
      for (int64_t mine; (mine = shared->next.fetch_add(1)) < shared->jobs;) {
        (*shared->job)(mine);
        if (shared->done.fetch_add(1) + 1 == shared->jobs) shared->done.notify_all();
      }
    };
    const int64_t helpers = std::min(jobs, pool.num_threads()) - 1;
    for (int64_t helper = 0; helper < helpers; ++helper) pool.Schedule(std::function<void()>(work));
    work();
    for (int64_t done; (done = shared->done.load()) < jobs;) shared->done.wait(done);
  };
}

Shape shape_of(int64_t cell, const Reals& table, const Reals& recurrent, const Whole& inputs) {
  const auto of_table = table.dimensions(), of_recurrent = recurrent.dimensions(), of_inputs = inputs.dimensions();
  const std::size_t seeds = of_inputs.size() - 2;  // dimensions that `jax.vmap` put in front
  Shape shape{.cell = static_cast<Cell>(cell),
              .seeds = 1,
              .steps = of_inputs[seeds],
              .batch = of_inputs[seeds + 1],
              .units = of_recurrent[seeds],
              .width = of_recurrent[seeds + 2],
              .table_rows = of_table[seeds]};
  for (std::size_t i = 0; i < seeds; ++i) shape.seeds *= of_inputs[i];
  return shape;
}

float* or_null(Result& array) { return array->element_count() ? array->typed_data() : nullptr; }
const float* or_null(const Reals& array) { return array.element_count() ? array.typed_data() : nullptr; }

ffi::Error run_forward(ffi::ThreadPool pool, int64_t cell, int64_t parts, int64_t segment, std::string_view path,
                   Reals table, Reals recurrent, Reals start, Whole inputs, Whole lengths, Result last,
                   Result outputs, Result tape) {
  const Path* chosen = path_named(path);
  if (!chosen) return ffi::Error::InvalidArgument("This processor has no path " + std::string(path) + ".");
  forward(shape_of(cell, table, recurrent, inputs), {chosen, parts, segment, false},
          {.table = table.typed_data(),
           .recurrent = recurrent.typed_data(),
           .start = start.typed_data(),
           .inputs = inputs.typed_data(),
           .lengths = lengths.typed_data(),
           .last = last->typed_data(),
           .outputs = or_null(outputs),
           .tape = or_null(tape)},
          on_threads_of(pool));
  return ffi::Error::Success();
}

ffi::Error run_backward(ffi::ThreadPool pool, int64_t cell, int64_t parts, int64_t segment, bool own_rows,
                    std::string_view path, Reals table, Reals recurrent, Whole inputs, Whole lengths,
                    Reals, Reals d_last, Reals d_outputs, Result d_start, Result d_table, Result d_recurrent,
                    Result tape) {
  const Path* chosen = path_named(path);
  if (!chosen) return ffi::Error::InvalidArgument("This processor has no path " + std::string(path) + ".");
  backward(shape_of(cell, table, recurrent, inputs), {chosen, parts, segment, own_rows},
           {.table = table.typed_data(),
            .recurrent = recurrent.typed_data(),
             .inputs = inputs.typed_data(),
            .lengths = lengths.typed_data(),
            .tape = tape->typed_data(),  // the same memory as the argument
            .d_last = d_last.typed_data(),
            .d_outputs = or_null(d_outputs),
            .d_start = d_start->typed_data(),
            .d_table = d_table->typed_data(),
            .d_recurrent = d_recurrent->typed_data()},
           on_threads_of(pool));
  return ffi::Error::Success();
}

}  // namespace
}  // namespace memoryspan

#define VISIBLE extern "C" __attribute__((visibility("default")))

VISIBLE XLA_FFI_Error* memoryspan_forward(XLA_FFI_CallFrame*);
VISIBLE XLA_FFI_Error* memoryspan_backward(XLA_FFI_CallFrame*);

XLA_FFI_DEFINE_HANDLER_SYMBOL(memoryspan_forward, memoryspan::run_forward,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Attr<int64_t>("cell")
                                  .Attr<int64_t>("parts")
                                  .Attr<int64_t>("segment")
                                  .Attr<std::string_view>("path")
                                  .Arg<memoryspan::Reals>()  // table
                                  .Arg<memoryspan::Reals>()  // recurrent
                                  .Arg<memoryspan::Reals>()  // start
                                  .Arg<memoryspan::Whole>()  // inputs
                                  .Arg<memoryspan::Whole>()  // lengths
                                  .Ret<memoryspan::Reals>()  // last
                                  .Ret<memoryspan::Reals>()  // outputs
                                  .Ret<memoryspan::Reals>()  // tape
);

XLA_FFI_DEFINE_HANDLER_SYMBOL(memoryspan_backward, memoryspan::run_backward,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Attr<int64_t>("cell")
                                  .Attr<int64_t>("parts")
                                  .Attr<int64_t>("segment")
                                  .Attr<bool>("own_rows")
                                  .Attr<std::string_view>("path")
                                  .Arg<memoryspan::Reals>()  // table
                                  .Arg<memoryspan::Reals>()  // recurrent
                                  .Arg<memoryspan::Whole>()  // inputs
                                  .Arg<memoryspan::Whole>()  // lengths
                                  .Arg<memoryspan::Reals>()  // tape
                                  .Arg<memoryspan::Reals>()  // d_last
                                  .Arg<memoryspan::Reals>()  // d_outputs
                                  .Ret<memoryspan::Reals>()  // d_start
                                  .Ret<memoryspan::Reals>()  // d_table
                                  .Ret<memoryspan::Reals>()  // d_recurrent
                                  .Ret<memoryspan::Reals>()  // tape
);

// The length of a tape, in floats, for each row of a batch.
VISIBLE int64_t memoryspan_tape_size(int64_t cell, int64_t steps, int64_t width, int64_t segment) {
  return memoryspan::tape_size(static_cast<memoryspan::Cell>(cell), steps, width, segment);
}

// The name of the i-th path of this processor, the fastest first; null beyond the last.
VISIBLE const char* memoryspan_path(int64_t i) {
  const auto& all = memoryspan::paths();
  return i < static_cast<int64_t>(all.size()) ? all[i]->name : nullptr;
}

// In place; function 0: the sigmoid, 1: the hyperbolic tangent; count is a multiple of 16.
VISIBLE int32_t memoryspan_activation(const char* path, int64_t function, float* numbers, int64_t count) {
  const memoryspan::Path* chosen = memoryspan::path_named(path);
  if (!chosen) return 1;
  (function ? chosen->hyperbolic_tangent : chosen->sigmoid)(numbers, count);
  return 0;
}
