// The library's interface: XLA custom calls, and a few plain C functions for Python.
#include "xla/ffi/api/ffi.h"

#include <atomic>
#include <memory>
#include <string>

#include "batch.hpp"
#include "targets.hpp"

namespace ffi = xla::ffi;

namespace memoryspan {
namespace {

using Floats32 = ffi::Buffer<ffi::F32>;
using Int32s = ffi::Buffer<ffi::S32>;
using Result = ffi::Result<Floats32>;

// Run jobs on XLA's threads and on the calling one. A helper may be scheduled late or never; the calling thread then
// does all of the work, and the helper's shared pointer keeps the counters valid.
Executor thread_pool_executor(ffi::ThreadPool& pool) {
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
      for (int64_t index; (index = shared->next.fetch_add(1)) < shared->jobs;) {
        (*shared->job)(index);
        if (shared->done.fetch_add(1) + 1 == shared->jobs) shared->done.notify_all();
      }
    };
    const int64_t helpers = std::min(jobs, pool.num_threads()) - 1;
    for (int64_t helper = 0; helper < helpers; ++helper) pool.Schedule(std::function<void()>(work));
    work();
    for (int64_t done; (done = shared->done.load()) < jobs;) shared->done.wait(done);
  };
}

Shape shape_of(int64_t cell, const Floats32& table, const Floats32& recurrent, const Int32s& inputs) {
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
const float* or_null(const Floats32& array) { return array.element_count() ? array.typed_data() : nullptr; }

ffi::Error run_forward(ffi::ThreadPool pool, int64_t cell, int64_t parts, int64_t segment, std::string_view target,
                       Floats32 table, Floats32 recurrent, Floats32 start, Int32s inputs, Int32s lengths, Result last,
                       Result outputs, Result tape) {
  const Target* found = find_target(target);
  if (!found)
    return ffi::Error::InvalidArgument("This processor does not support the target " + std::string(target) + ".");
  forward(shape_of(cell, table, recurrent, inputs), {found, parts, segment, false},
          {.table = table.typed_data(),
           .recurrent = recurrent.typed_data(),
           .start = start.typed_data(),
           .inputs = inputs.typed_data(),
           .lengths = lengths.typed_data(),
           .last = last->typed_data(),
           .outputs = or_null(outputs),
           .tape = or_null(tape)},
          thread_pool_executor(pool));
  return ffi::Error::Success();
}

ffi::Error run_backward(ffi::ThreadPool pool, int64_t cell, int64_t parts, int64_t segment, bool unique_rows,
                        std::string_view target, Floats32 table, Floats32 recurrent, Int32s inputs, Int32s lengths,
                        Floats32, Floats32 d_last, Floats32 d_outputs, Result d_start, Result d_table,
                        Result d_recurrent, Result tape) {
  const Target* found = find_target(target);
  if (!found)
    return ffi::Error::InvalidArgument("This processor does not support the target " + std::string(target) + ".");
  backward(shape_of(cell, table, recurrent, inputs), {found, parts, segment, unique_rows},
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
           thread_pool_executor(pool));
  return ffi::Error::Success();
}

}  // namespace
}  // namespace memoryspan

#ifdef _WIN32
#define VISIBLE extern "C" __declspec(dllexport)
#else
#define VISIBLE extern "C" __attribute__((visibility("default")))
#endif

VISIBLE XLA_FFI_Error* memoryspan_forward(XLA_FFI_CallFrame*);
VISIBLE XLA_FFI_Error* memoryspan_backward(XLA_FFI_CallFrame*);

XLA_FFI_DEFINE_HANDLER_SYMBOL(memoryspan_forward, memoryspan::run_forward,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Attr<int64_t>("cell")
                                  .Attr<int64_t>("parts")
                                  .Attr<int64_t>("segment")
                                  .Attr<std::string_view>("target")
                                  .Arg<memoryspan::Floats32>()  // table
                                  .Arg<memoryspan::Floats32>()  // recurrent
                                  .Arg<memoryspan::Floats32>()  // start
                                  .Arg<memoryspan::Int32s>()    // inputs
                                  .Arg<memoryspan::Int32s>()    // lengths
                                  .Ret<memoryspan::Floats32>()  // last
                                  .Ret<memoryspan::Floats32>()  // outputs
                                  .Ret<memoryspan::Floats32>()  // tape
);

XLA_FFI_DEFINE_HANDLER_SYMBOL(memoryspan_backward, memoryspan::run_backward,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Attr<int64_t>("cell")
                                  .Attr<int64_t>("parts")
                                  .Attr<int64_t>("segment")
                                  .Attr<bool>("unique_rows")
                                  .Attr<std::string_view>("target")
                                  .Arg<memoryspan::Floats32>()  // table
                                  .Arg<memoryspan::Floats32>()  // recurrent
                                  .Arg<memoryspan::Int32s>()    // inputs
                                  .Arg<memoryspan::Int32s>()    // lengths
                                  .Arg<memoryspan::Floats32>()  // tape
                                  .Arg<memoryspan::Floats32>()  // d_last
                                  .Arg<memoryspan::Floats32>()  // d_outputs
                                  .Ret<memoryspan::Floats32>()  // d_start
                                  .Ret<memoryspan::Floats32>()  // d_table
                                  .Ret<memoryspan::Floats32>()  // d_recurrent
                                  .Ret<memoryspan::Floats32>()  // tape
);

// The size of a tape, in floats, for each row of a batch.
VISIBLE int64_t memoryspan_tape_size(int64_t cell, int64_t steps, int64_t width, int64_t segment) {
  return memoryspan::tape_size(static_cast<memoryspan::Cell>(cell), steps, width, segment);
}

// The name of the i-th target that this processor supports, the fastest first; null beyond the last.
VISIBLE const char* memoryspan_target(int64_t i) {
  const auto& all = memoryspan::targets();
  return i < static_cast<int64_t>(all.size()) ? all[i]->name : nullptr;
}

// Apply function 0, the sigmoid, or 1, the hyperbolic tangent, in place to `count` numbers, a multiple of 16. Return 1
// if the processor does not support the target.
VISIBLE int32_t memoryspan_activation(const char* target, int64_t function, float* numbers, int64_t count) {
  const memoryspan::Target* found = memoryspan::find_target(target);
  if (!found) return 1;
  (function ? found->hyperbolic_tangent : found->sigmoid)(numbers, count);
  return 0;
}
