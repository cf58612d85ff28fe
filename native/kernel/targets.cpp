#include "targets.hpp"

namespace memoryspan {

#ifdef MEMORYSPAN_X86
extern const Target avx512, avx2;
#endif
extern const Target portable;

const std::vector<const Target*>& targets() {
  static const std::vector<const Target*> present = [] {
    std::vector<const Target*> found;
#ifdef MEMORYSPAN_X86
    if (__builtin_cpu_supports("avx512f")) found.push_back(&avx512);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(&avx2);
#endif
    found.push_back(&portable);
    return found;
  }();
  return present;
}

const Target* find_target(std::string_view name) {
  for (const Target* target : targets())
    if (name.empty() || name == target->name) return target;
  return nullptr;
}

}  // namespace memoryspan
