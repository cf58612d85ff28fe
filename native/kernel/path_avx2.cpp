#include "walker.hpp"

namespace memoryspan {
extern const Path avx2 = path_of<8>("avx2");
}
