// Plans from files: what they may decide, and when they are refused.
#include <filesystem>
#include <fstream>

#include "tests/hooks/support.h"
#include "tests/support/scratch_folder.h"

namespace cinch::test {
namespace {

DeviceMeter& meter() { return DeviceMeter::of(c10::kCPU); }

// Half masks, half values.
void step(int64_t width = 64) {
  auto x = torch::linspace(0.1, 0.9, width * 64).view({width, 64}).requires_grad_();  // one value would be kept exactly
  auto h = x * 2;
  for (int i = 0; i < 4; ++i) h = h.sin().relu();
  h.sum().backward();
}

class PlanFile : public testing::Test {
 protected:
  const ScratchFolder folder_;
  const std::string file_ = folder_ / "plan.json";

  static Budget lossy(int64_t bytes = int64_t{1} << 30) {
    auto budget = without_noise_bound(bytes);
    budget.objective = Objective::kLeastBytes;
    return budget;
  }
  // Observes, plans and saves.
  Plan save(const Budget& budget) const {
    GuardOptions options;
    options.save_plan = file_;
    BudgetGuard guard(budget, options);
    for (int i = 0; i < 2; ++i) {
      step();
      guard.step();
    }
    return *guard.plan();
  }
  GuardOptions loading() const {
    GuardOptions options;
    options.load_plan = file_;
    return options;
  }
  void expect_refused(const Budget& budget, const std::string& why) const {
    try {
      BudgetGuard guard(budget, loading());
      ADD_FAILURE() << "not refused: " << why;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
    }
  }
  // Writes the plan with one member changed.
  void change(const std::string& from, const std::string& to) const {
    std::ifstream in(file_);
    std::string text((std::istreambuf_iterator<char>(in)), {});
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    std::ofstream(file_) << text.replace(at, from.size(), to);
  }
};

TEST_F(PlanFile, RunsFromTheFirstStepWithoutObserving) {
  const Plan saved = save(lossy());
  BudgetGuard guard(lossy(), loading());
  EXPECT_EQ(guard.phase(), Phase::kRun);
  step();
  guard.step();
  EXPECT_EQ(guard.phase(), Phase::kRun);
  EXPECT_LT(guard.usage().charged_bytes, guard.usage().raw_bytes);
  EXPECT_EQ(guard.usage().fallbacks, 0);
  EXPECT_DOUBLE_EQ(guard.usage().gradient_noise, saved.predicted_noise);
}

TEST_F(PlanFile, OfAnotherGraphIsRefusedAfterTheFirstStep) {
  save(lossy());
  BudgetGuard guard(lossy(), loading());
  at::sin(torch::ones({64, 64}).requires_grad_() * 2).sum().backward();
  EXPECT_THROW(guard.step(), Error);
}

TEST_F(PlanFile, TheLimitStaysTheBudgets) {
  save(lossy(int64_t{1} << 30));
  const int64_t limit = meter().current_bytes() + (int64_t{64} << 20);
  BudgetGuard guard(lossy(limit), loading());
  EXPECT_EQ(meter().limit_bytes(), limit);
  EXPECT_EQ(guard.usage().limit_bytes, limit);
}

TEST_F(PlanFile, IsRefusedWhereTheBudgetForbidsWhatItDoes) {
  const Plan plan = save(lossy());
  ASSERT_GT(plan.predicted_noise, 0);
  expect_refused(Budget::exact(), "does not allow");
  auto picky = lossy();
  picky.allow = {"mask", "shape"};
  expect_refused(picky, "does not allow");
  auto careful = lossy();
  careful.max_gradient_noise = plan.predicted_noise / 2;
  expect_refused(careful, "noise");
  expect_refused(lossy(plan.predicted_peak_bytes - 1), "more than the limit");
}

TEST_F(PlanFile, IsRefusedWhenMadeForAnotherTorchOrDevice) {
  save(lossy());
  change("\"torch_version\": \"", "\"torch_version\": \"9");
  expect_refused(lossy(), "torch 9");
  save(lossy());
  change("\"device\": \"cpu\"", "\"device\": \"cuda:0\"");
  expect_refused(lossy(), "device cuda:0");
}

TEST_F(PlanFile, ThatCannotBeReadLeavesNothingBehind) {
  const int64_t own = meter().current_bytes() + (int64_t{256} << 20);
  meter().set_limit(own);
  EXPECT_THROW(BudgetGuard(lossy(own / 2), loading()), Error);
  EXPECT_EQ(meter().limit_bytes(), own);
  // Nobody is asked any more: the request is refused, not answered by what is gone.
  EXPECT_THROW(at::empty({own + 1}, at::kByte), OutOfBudget);
  meter().set_limit(0);
}

}  // namespace
}  // namespace cinch::test
