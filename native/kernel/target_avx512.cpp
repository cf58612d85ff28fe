#include "sequence_kernel.hpp"

namespace memoryspan {
extern const Target avx512 = make_target<16>("avx512");
}
