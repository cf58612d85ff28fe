#include "sequence_kernel.hpp"

namespace memoryspan {
extern const Target portable = make_target<4>("portable");
}
