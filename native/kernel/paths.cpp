#include "paths.hpp"

namespace memoryspan {

#ifdef MEMORYSPAN_X86
extern const Path avx512, avx2;
#endif
extern const Path portable;

const std::vector<const Path*>& paths() {
  static const std::vector<const Path*> present = [] {
    std::vector<const Path*> found;
#ifdef MEMORYSPAN_X86
    if (__builtin_cpu_supports("avx512f")) found.push_back(&avx512);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(&avx2);
#endif
    found.push_back(&portable);
    return found;
  }();
  return present;
}

const Path* path_named(std::string_view name) {
  for (const Path* path : paths())
    if (name.empty() || name == path->name) return path;
  return nullptr;
}

}  // namespace memoryspan
