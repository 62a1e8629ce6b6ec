#include "src/backend/cpu/isa.h"

#include "src/backend/cpu/targets.h"

// The Highway way: this file is compiled once for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/backend/cpu/isa.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cinch::backend::HWY_NAMESPACE {
int64_t this_target() { return HWY_TARGET; }
}  // namespace cinch::backend::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "cinch/error.h"

namespace cinch::backend {
HWY_EXPORT(this_target);

std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  int64_t targets = hwy::SupportedTargets() & HWY_TARGETS;
  while (targets != 0) {
    const int64_t best = targets & -targets;  // Highway orders them so
    names.emplace_back(hwy::TargetName(best));
    targets ^= best;
  }
  return names;
}

void force_instruction_set(const std::string& name) {
  int64_t chosen = hwy::SupportedTargets();
  if (!name.empty()) {
    // Sets that are not listed here belong to the next listed one that is older; and older ones stay, since not every
    // file is compiled for all.
    int64_t rest = chosen & HWY_TARGETS;
    for (; rest != 0 && name != hwy::TargetName(rest & -rest); rest &= rest - 1) chosen &= -2 * (rest & -rest);
    if (rest == 0) throw Error("instruction set \"" + name + "\" is not usable on this machine");
  }
  hwy::GetChosenTarget().Update(chosen);
}

std::string active_instruction_set() { return hwy::TargetName(HWY_DYNAMIC_DISPATCH(this_target)()); }

}  // namespace cinch::backend
#endif
