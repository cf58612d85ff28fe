#include "walker.hpp"

namespace memoryspan {
extern const Path portable = path_of<4>("portable");
}
