// Budgets that change while a guard runs.
#include <filesystem>
#include <fstream>

#include "src/backend/torch/metered_allocator.h"
#include "tests/hooks/support.h"
#include "tests/support/scratch_folder.h"

namespace cinch::test {
namespace {

DeviceMeter& meter() { return DeviceMeter::of(c10::kCPU); }

// Sixteen saves of 256 KiB, half of them masks.
void step() {
  auto x = torch::full({256, 256}, 0.5).requires_grad_();
  auto h = x * 2;
  for (int i = 0; i < 8; ++i) h = h.sin().relu();
  h.sum().backward();
}

void steps(BudgetGuard& guard, int count) {
  for (int i = 0; i < count; ++i) {
    step();
    guard.step();
  }
}

int64_t stock_peak() {
  step();
  meter().reset_peak();
  step();
  return meter().peak_bytes();
}

TEST(Replan, ANewLimitBindsFromTheNextStep) {
  const int64_t peak = stock_peak(), base = meter().current_bytes();
  BudgetGuard guard(without_noise_bound(peak + (1 << 20)));
  steps(guard, 3);
  const int64_t lower = base + (peak - base) * 6 / 10;
  guard.replan(without_noise_bound(lower));
  step();
  guard.step();
  EXPECT_EQ(guard.plan()->limit_bytes, lower);
  for (int i = 0; i < 3; ++i) {
    meter().reset_peak();
    step();
    EXPECT_LE(meter().peak_bytes(), lower);
    guard.step();
  }
}

TEST(Replan, ABudgetWithoutALimitLiftsTheOldOne) {
  const int64_t peak = stock_peak();
  BudgetGuard guard(without_noise_bound(peak - (256 << 10)));
  steps(guard, 3);
  guard.replan(Budget::exact());
  steps(guard, 1);
  EXPECT_EQ(meter().limit_bytes(), 0);
  EXPECT_EQ(guard.usage().limit_bytes, 0);
  EXPECT_EQ(guard.plan()->predicted_noise, 0);
}

TEST(Replan, ARelativeLimitTakesTheProfilesBytes) {
  stock_peak();
  BudgetGuard guard(Budget::exact());
  steps(guard, 3);
  auto budget = Budget::fraction_of_baseline(0.8);
  budget.min_effective_batch = 0;
  guard.replan(budget);
  steps(guard, 1);
  EXPECT_EQ(meter().limit_bytes(), std::llround(0.8 * static_cast<double>(guard.profile()->baseline_peak_bytes())));
}

// The plan stays in force while a new profile is taken: without it the limit could not hold without noise of its own.
TEST(Replan, ObservingAgainKeepsThePlanAndTheLimit) {
  const int64_t peak = stock_peak(), base = meter().current_bytes();
  const int64_t limit = base + (peak - base) * 6 / 10;
  auto budget = without_noise_bound(limit);
  budget.on_overrun = OnOverrun::kThrow;  // no reclaimer to help once there is a plan
  GuardOptions options;
  options.replan_interval = 2;
  int plans = 0;
  options.on_event = [&](const Event& event) { plans += event.kind == Event::Kind::kPlan ? 1 : 0; };
  BudgetGuard guard(budget, options);
  for (int i = 0; i < 12; ++i) {
    meter().reset_peak();
    EXPECT_NO_THROW(step()) << "step " << i;
    EXPECT_LE(meter().peak_bytes(), limit) << "step " << i;
    guard.step();
    if (i > 1) {
      EXPECT_LT(guard.usage().charged_bytes, guard.usage().raw_bytes) << "step " << i;
    }
  }
  EXPECT_GE(plans, 3);
}

// What the plan predicts fits under the limit together with the reserve, so the reclaimer has nothing to do.
TEST(Replan, UnderAPlanNothingIsReclaimed) {
  const int64_t peak = stock_peak(), base = meter().current_bytes();
  for (const double share : {0.9, 0.7, 0.55}) {
    BudgetGuard guard(without_noise_bound(base + static_cast<int64_t>(share * static_cast<double>(peak - base))));
    steps(guard, 2);
    const int64_t before = guard.usage().reclaims;
    steps(guard, 5);
    EXPECT_EQ(guard.usage().reclaims, before) << share;
    EXPECT_EQ(guard.usage().fallbacks, 0) << share;
  }
}

TEST(Replan, CodedPayloadsReserveNoMoreThanThePlanLeftFree) {
  auto budget = without_noise_bound(int64_t{1} << 30);
  budget.rules.push_back({"*", CodecSpec{"group_quant", {{"bits", 8}}}, {}});
  BudgetGuard guard(budget);
  steps(guard, 3);
  auto h = torch::full({256, 256}, 0.5).requires_grad_() * 2;
  for (int i = 0; i < 8; ++i) h = h.sin();
  EXPECT_GT(backend::cpu_meter().reserve(), 0);
  EXPECT_LE(backend::cpu_meter().reserve(), guard.profile()->reserve_bytes);
}

TEST(Replan, ABudgetThatIsRefusedEndsNothing) {
  const int64_t peak = stock_peak();
  BudgetGuard guard(without_noise_bound(peak - (256 << 10)));
  steps(guard, 3);
  const auto plan = guard.plan();
  Budget impossible = without_noise_bound(peak - (256 << 10));
  SiteRule rule;
  rule.match = plan->entries.front().site;
  rule.codec = CodecSpec{"pool", {}};  // nobody evaluated it
  impossible.rules.push_back(rule);
  guard.replan(impossible);
  step();
  EXPECT_THROW(guard.step(), Error);
  for (int i = 0; i < 20; ++i) {  // measuring goes on, and asks for plans of its own
    step();
    EXPECT_NO_THROW(guard.step()) << i;
    EXPECT_EQ(guard.plan()->entries.size(), plan->entries.size());
  }
}

TEST(Replan, AChangedBudgetFileIsTakenOverAndABrokenOneIsNot) {
  const ScratchFolder folder;
  const std::string file = folder / "budget.json";
  const auto write = [&](const std::string& text) {
    std::ofstream(file) << text;
    std::filesystem::last_write_time(file, std::filesystem::last_write_time(file) + std::chrono::seconds(2));
  };
  write(without_noise_bound(int64_t{1} << 30).to_json());
  GuardOptions options;
  options.budget_file = file;
  std::vector<std::string> warnings;
  options.on_event = [&](const Event& event) {
    if (event.kind == Event::Kind::kWarning) warnings.push_back(event.message);
  };
  BudgetGuard guard(Budget::exact(), options);
  EXPECT_EQ(meter().limit_bytes(), int64_t{1} << 30);
  steps(guard, 3);
  write(without_noise_bound(int64_t{1} << 29).to_json());
  steps(guard, 1);
  EXPECT_EQ(meter().limit_bytes(), int64_t{1} << 29);
  EXPECT_TRUE(warnings.empty());
  std::filesystem::last_write_time(file, std::filesystem::last_write_time(file) + std::chrono::seconds(4));
  std::ofstream(file) << "{";
  std::filesystem::last_write_time(file, std::filesystem::last_write_time(file) + std::chrono::seconds(9));
  steps(guard, 2);
  EXPECT_EQ(meter().limit_bytes(), int64_t{1} << 29);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("budget file not taken over"), std::string::npos);
}

TEST(Replan, RulesBindPlanAndReclaimer) {
  const int64_t peak = stock_peak(), base = meter().current_bytes();
  auto budget = without_noise_bound(base + (peak - base) * 7 / 10);
  budget.rules.push_back({"*/sin#0:*", CodecSpec{"keep", {}}, {}});
  BudgetGuard guard(budget);
  steps(guard, 3);
  bool seen = false;
  for (const PlanEntry& entry : guard.plan()->entries)
    if (entry.site.find("/sin#0:") != std::string::npos) {
      seen = true;
      EXPECT_EQ(entry.spec.name, "keep");
    }
  EXPECT_TRUE(seen);
}

// With the default bound (a predicted effective batch of 0.95) the reclaimer refuses rather than adding more noise.
TEST(Replan, TheNoiseBoundBindsTheReclaimer) {
  const int64_t peak = stock_peak(), base = meter().current_bytes();
  auto budget = Budget::bytes(base + (peak - base) * 6 / 10);
  budget.max_gradient_noise = 1e-6;
  GuardOptions options;
  options.observe_steps = 100;
  BudgetGuard guard(budget, options);
  EXPECT_THROW(step(), OutOfBudget);
  guard.replan(without_noise_bound(base + (peak - base) * 6 / 10));
  guard.step();
  EXPECT_NO_THROW(step());
  guard.step();
  EXPECT_GT(guard.usage().gradient_noise, 1e-6);
}

}  // namespace
}  // namespace cinch::test
