#include "targets.hpp"

#ifdef MEMORYSPAN_X86
#include <cpuid.h>
#endif

namespace memoryspan {

#ifdef MEMORYSPAN_X86
extern const Target avx512, avx2;

namespace {

struct Features {
  bool avx2_and_fma, avx512f;
};

// Read what the processor has and the operating system saves. __builtin_cpu_supports() does the same, but it always
// returns false with zig, whose runtime library does not implement it.
Features features() {
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return {};
  const bool fma = ecx & bit_FMA, saves_vectors = ecx & bit_OSXSAVE;
  if (!saves_vectors || !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return {};
  const bool avx2 = ebx & bit_AVX2, avx512f = ebx & bit_AVX512F;
  unsigned saved;
  __asm__("xgetbv" : "=a"(saved), "=d"(edx) : "c"(0));
  constexpr unsigned ymm = 0x06, zmm = 0xe6;  // the bits of the registers in XCR0
  return {avx2 && fma && (saved & ymm) == ymm, avx512f && (saved & zmm) == zmm};
}

}  // namespace
#endif
extern const Target portable;

const std::vector<const Target*>& targets() {
  static const std::vector<const Target*> present = [] {
    std::vector<const Target*> found;
#ifdef MEMORYSPAN_X86
    const Features processor = features();
    if (processor.avx512f) found.push_back(&avx512);
    if (processor.avx2_and_fma) found.push_back(&avx2);
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
