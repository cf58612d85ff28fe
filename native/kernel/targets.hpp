// The targets that are compiled into the library, and the choice among them.
#pragma once

#include <string_view>
#include <vector>

#include "types.hpp"

namespace memoryspan {

// The targets that this processor supports, the fastest first. The last one is portable C++.
const std::vector<const Target*>& targets();

// The target of this name, or null if this processor does not support it. The empty name is the fastest target.
const Target* find_target(std::string_view name);

}  // namespace memoryspan
