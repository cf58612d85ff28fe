// The ways in which this library can do a walk, and the choice among them.
#pragma once

#include <string_view>
#include <vector>

#include "walk.hpp"

namespace memoryspan {

// Those that this processor has, the fastest first. The last is in C++ without any assumption.
const std::vector<const Path*>& paths();

// The one of this name, or null where this processor does not have it; the fastest where no name is given.
const Path* path_named(std::string_view name);

}  // namespace memoryspan
