#include "walker.hpp"

namespace memoryspan {
extern const Path avx512 = path_of<16>("avx512");
}
