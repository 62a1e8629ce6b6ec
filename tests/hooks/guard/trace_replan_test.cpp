// A trace shows when the plan changed.

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/hooks/support.h"
#include "tests/support/scratch_folder.h"

namespace cinch::test {
namespace {

void step(BudgetGuard& guard) {
  const auto loss = (torch::randn({256, 256}).requires_grad_() * 2).sin().sum();
  loss.backward();
  guard.step();
}

TEST(TraceOfReplan, ASecondPlanIsASecondMoment) {
  const ScratchFolder folder;
  const std::string path = folder / "trace.json";
  {
    GuardOptions options;
    options.trace = path;
    options.measure = false;  // which plans anew by itself
    BudgetGuard guard(everything(CodecSpec{"cast", {{"dtype", std::string("bf16")}}}), options);
    for (int i = 0; i < 4; ++i) step(guard);
    guard.replan(Budget::exact());
    for (int i = 0; i < 2; ++i) step(guard);
    EXPECT_EQ(guard.usage().replans, 1);
  }
  std::vector<std::string> story, plans;
  for (const nlohmann::json& event : nlohmann::json::parse(std::ifstream(path))) {
    const std::string name = event["name"];
    if (name == "step" || name == "plan" || name == "pack") story.push_back(name);
    if (name != "plan") continue;
    EXPECT_EQ(event["ph"], "i");
    plans.push_back(event["args"]["message"]);
  }
  // Two steps observe. A new budget counts from the end of the step that it came in; under it all is kept as it is.
  const std::vector<std::string> expected = {"step", "step", "plan", "pack", "step", "pack",
                                             "step", "pack", "step", "plan", "step"};
  EXPECT_EQ(story, expected);
  ASSERT_EQ(plans.size(), 2u);
  EXPECT_EQ(plans[0].find("predicted noise 0.000000"), std::string::npos) << plans[0];
  EXPECT_NE(plans[1].find("predicted noise 0.000000"), std::string::npos) << plans[1];
}

}  // namespace
}  // namespace cinch::test
