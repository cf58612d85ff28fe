#include "sequence_kernel.hpp"

namespace memoryspan {
extern const Target avx2 = make_target<8>("avx2");
}
