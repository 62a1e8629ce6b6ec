// A forced instruction set must not turn code that is not compiled for it into scalar code.
#include "src/backend/cpu/isa.h"

#include "src/backend/cpu/scalar_targets.h"

// Compiled as files of stream coders are: for AVX2 at most.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/backend/isa_test.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cinch::backend::HWY_NAMESPACE {
int64_t target_of_scalar_files() { return HWY_TARGET; }
}  // namespace cinch::backend::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <gtest/gtest.h>

#include <algorithm>

#include "cinch/error.h"

namespace cinch::backend {
namespace {

HWY_EXPORT(target_of_scalar_files);

std::string active_in_scalar_files() { return hwy::TargetName(HWY_DYNAMIC_DISPATCH(target_of_scalar_files)()); }

class ForcedInstructionSet : public testing::Test {
 protected:
  ~ForcedInstructionSet() override { force_instruction_set(""); }
};

TEST_F(ForcedInstructionSet, IsTheOneThatRuns) {
  for (const std::string& name : instruction_sets()) {
    force_instruction_set(name);
    EXPECT_EQ(active_instruction_set(), name);
  }
}

TEST_F(ForcedInstructionSet, LeavesOlderOnesToFilesThatAreNotCompiledForIt) {
  const auto sets = instruction_sets();  // the newest first
  const auto avx2 = std::ranges::find(sets, "AVX2");
  if (avx2 == sets.end()) GTEST_SKIP() << "this machine has no AVX2";
  force_instruction_set(sets.front());
  EXPECT_EQ(active_in_scalar_files(), "AVX2") << "under " << sets.front();
  if (std::next(avx2) == sets.end()) return;
  force_instruction_set(*std::next(avx2));
  EXPECT_NE(active_in_scalar_files(), "AVX2") << "nothing newer than what is forced";
}

TEST_F(ForcedInstructionSet, OfAnotherMachineIsRefused) {
  EXPECT_THROW(force_instruction_set("NEON"), Error);
  EXPECT_EQ(active_instruction_set(), instruction_sets().front());
}

}  // namespace
}  // namespace cinch::backend
#endif
