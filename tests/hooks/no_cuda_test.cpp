// CUDA asked for where there is none: one sentence that says why.
#include "cinch/error.h"
#include "src/backend/cuda/runtime.h"
#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

class NoCuda : public ::testing::Test {
 protected:
  void SetUp() override {
    if (backend::cuda_device_count() > 0) GTEST_SKIP() << "this machine has a CUDA device";
  }
  static std::string refusal(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(NoCuda, AMeterAndAGuardSayWhy) {
  const std::string expected = "device cuda cannot be used: ";
  for (const char* name : {"cuda", "cuda:0", "cuda:7"}) {
    EXPECT_EQ(refusal([&] { DeviceMeter::of(c10::Device(name)); }).rfind(expected, 0), 0u) << name;
    EXPECT_EQ(refusal([&] {
                GuardOptions options;
                options.device = c10::Device(name);
                BudgetGuard guard(Budget::exact(), options);
              }).rfind(expected, 0),
              0u)
        << name;
  }
  EXPECT_NE(refusal([] { DeviceMeter::of(c10::kCUDA); }), expected) << "without a reason";
}

TEST_F(NoCuda, AFailedGuardLeavesNothingBehind) {
  refusal([] {
    GuardOptions options;
    options.device = c10::kCUDA;
    BudgetGuard guard(Budget::exact(), options);
  });
  EXPECT_NO_THROW(BudgetGuard(Budget::exact()));
}

TEST_F(NoCuda, OtherDevicesAreRefusedByName) {
  EXPECT_NE(refusal([] { DeviceMeter::of(c10::kMeta); }).find("meta"), std::string::npos);
}

}  // namespace
}  // namespace cinch::test
