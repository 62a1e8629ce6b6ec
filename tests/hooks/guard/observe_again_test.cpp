// An iteration that is observed under a plan gives the profile that the first, raw one gave: to the byte where nothing
// is decoded, else short of it by the decode buffers of one node at most.
#include "cinch/planner.h"
#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

// Masks, values, and halves of one storage of which one is kept as it is beside the other's mask.
void step() {
  auto x = torch::linspace(-1, 1, 256 * 256).view({256, 256}).requires_grad_();
  auto loss = x.sum();
  auto h = x * 2;
  for (int i = 0; i < 3; ++i) {
    h = h.sin().relu();
    loss = loss + h.t().narrow(0, 5, 200).sin().sum() + h.narrow(0, 3, 100).abs().sum();  // overlapping parts of h
    const auto halves = (h * (i + 2)).chunk(2);
    loss = loss + halves[0].sin().sum() + halves[1].abs().sum();
  }
  h.reset();
  loss.backward();
}

void expect_the_same_profile(const Budget& budget, int64_t short_bytes) {
  GuardOptions options;
  options.replan_interval = 1;
  BudgetGuard guard(budget, options);
  std::vector<std::shared_ptr<const Profile>> profiles;
  for (int i = 0; i < 8; ++i) {
    step();
    guard.step();
    if (guard.profile() && (profiles.empty() || profiles.back() != guard.profile()))
      profiles.push_back(guard.profile());
  }
  ASSERT_GE(profiles.size(), 3u);
  EXPECT_LT(guard.usage().charged_bytes, guard.usage().raw_bytes) << "no plan was in force";
  const Profile& first = *profiles.front();
  for (size_t i = 1; i < profiles.size(); ++i) {
    const Profile& again = *profiles[i];
    const auto expect_near = [&](int64_t got, int64_t raw) {
      EXPECT_LE(got, raw) << i;
      EXPECT_GE(got, raw - short_bytes) << i;
    };
    expect_near(again.baseline_peak_bytes(), first.baseline_peak_bytes());
    expect_near(again.floor_bytes(), first.floor_bytes());
    expect_near(make_plan(again, budget).predicted_peak_bytes, make_plan(first, budget).predicted_peak_bytes);
    EXPECT_EQ(again.raw_peak_bytes(), first.raw_peak_bytes()) << i;
    EXPECT_EQ(again.reserve_bytes, first.reserve_bytes) << i;
  }
}

TEST(ObserveAgain, UnderALosslessPlan) { expect_the_same_profile(Budget::exact(), 0); }

TEST(ObserveAgain, UnderALossyPlan) {
  auto budget = without_noise_bound(int64_t{1} << 30);
  budget.objective = Objective::kLeastBytes;
  expect_the_same_profile(budget, 256 * 256 * 4);
}

// Of a step that another's memory cut short only the beginning is known, and no plan fits that: the next one is
// observed, and planned for.
TEST(ObserveAgain, AfterAStepThatEndedInOutOfBudget) {
  const int64_t base = DeviceMeter::of(c10::kCPU).current_bytes();
  std::vector<std::string> warnings;
  GuardOptions options;
  options.observe_steps = 1;
  options.on_event = [&](const Event& event) {
    if (event.kind == Event::Kind::kWarning) warnings.push_back(event.message);
  };
  constexpr int64_t kLimit = 8 << 20;
  BudgetGuard guard(without_noise_bound(base + kLimit), options);
  {
    // Five tensors fit: what the reclaimer codes of them shows as raw, which is more than the limit.
    const auto others = at::empty({kLimit - 5 * (256 << 10)}, at::kByte);
    EXPECT_THROW(step(), OutOfBudget);
    EXPECT_NO_THROW(guard.step());
  }
  EXPECT_EQ(guard.phase(), Phase::kObserve);
  EXPECT_EQ(guard.profile(), nullptr) << "what it showed is no profile";
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("ended in OutOfBudget"), std::string::npos) << warnings[0];
  step();
  guard.step();
  EXPECT_EQ(guard.phase(), Phase::kRun);
  ASSERT_NE(guard.plan(), nullptr);
  EXPECT_LE(guard.plan()->predicted_peak_bytes, base + kLimit);
}

}  // namespace
}  // namespace cinch::test
