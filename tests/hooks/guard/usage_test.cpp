// What a guard tells of its sites, and what it writes into a trace.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "tests/hooks/support.h"
#include "tests/support/scratch_folder.h"

namespace cinch::test {
namespace {

constexpr int64_t kRaw = 256 * 256 * 4, kCast = kRaw / 2 + 64;  // with its header

Budget halves() { return everything(CodecSpec{"cast", {{"dtype", std::string("bf16")}}}); }

void step(BudgetGuard& guard) {
  auto x = torch::randn({256, 256}).requires_grad_();
  {
    const LayerScope layer("wave");
    const auto loss = (x * 2).sin().sum();  // what was in between is autograd's alone by now
    loss.backward();
  }
  guard.step();
}

const SiteUsage& site_of(const std::vector<SiteUsage>& sites, const std::string& op) {
  const auto found =
      std::ranges::find_if(sites, [&](const SiteUsage& site) { return site.op.find(op) != std::string::npos; });
  if (found == sites.end()) throw std::runtime_error("no site of " + op);
  return *found;
}

TEST(UsageBySite, BytesOfTheLastStepInTheFormThatPayloadsHadAtLast) {
  BudgetGuard guard(halves());
  step(guard);
  {
    const auto sites = guard.usage_by_site();
    const SiteUsage& sin = site_of(sites, "sin");
    EXPECT_EQ(sin.layer, "wave");
    EXPECT_EQ(sin.codec, "keep");
    EXPECT_EQ(sin.raw_bytes, kRaw);
    EXPECT_EQ(sin.charged_bytes, kRaw);
  }
  for (int i = 0; i < 4; ++i) step(guard);
  const auto sites = guard.usage_by_site();
  const SiteUsage& sin = site_of(sites, "sin");
  EXPECT_EQ(sin.codec, "cast");
  EXPECT_EQ(sin.raw_bytes, kRaw) << "of one step, not of five";
  EXPECT_EQ(sin.charged_bytes, kCast);
  EXPECT_GT(sin.pack_seconds, 0);
  EXPECT_GT(sin.unpack_seconds, 0);
  EXPECT_GT(sin.noise_variance, 0);
  EXPECT_EQ(sin.site, sin.layer + "/" + sin.op + "#" + std::to_string(sin.occurrence) + ":" + sin.slot);
}

TEST(UsageBySite, AStepThatSavesNothingHasNoBytes) {
  BudgetGuard guard(halves());
  step(guard);
  guard.step();
  for (const SiteUsage& site : guard.usage_by_site()) EXPECT_EQ(site.raw_bytes, 0) << site.site;
}

TEST(UsageBySite, SecondsAddUpToTheGuards) {
  BudgetGuard guard(halves());
  double pack = 0, unpack = 0;
  for (int i = 0; i < 6; ++i) {
    step(guard);
    pack += guard.usage().pack_seconds;
    unpack += guard.usage().unpack_seconds;
  }
  const auto sites = guard.usage_by_site();
  const auto sum = [&](double SiteUsage::*seconds) {
    return std::accumulate(sites.begin(), sites.end(), 0.0,
                           [&](double all, const SiteUsage& site) { return all + site.*seconds; });
  };
  EXPECT_NEAR(sum(&SiteUsage::pack_seconds), pack, 1e-9 + 1e-6 * pack);
  EXPECT_NEAR(sum(&SiteUsage::unpack_seconds), unpack, 1e-9 + 1e-6 * unpack);
}

TEST(Usage, CountsPlansAfterTheFirstOneAndKnowsTheFloor) {
  GuardOptions options;
  options.measure = false;  // which plans anew by itself
  BudgetGuard guard(halves(), options);
  for (int i = 0; i < 3; ++i) step(guard);
  EXPECT_EQ(guard.usage().replans, 0);
  EXPECT_EQ(guard.usage().floor_bytes, guard.profile()->floor_bytes());
  EXPECT_GT(guard.usage().step_seconds, 0);
  guard.replan(Budget::exact());
  step(guard);
  EXPECT_EQ(guard.usage().replans, 1);
}

struct TraceTest : testing::Test {
  const ScratchFolder folder;
  const std::string path = folder / "trace.json";
  nlohmann::json events() const { return nlohmann::json::parse(std::ifstream(path)); }
  static int64_t count(const nlohmann::json& events, const std::string& name) {
    return std::ranges::count_if(events, [&](const nlohmann::json& event) { return event["name"] == name; });
  }
};

TEST_F(TraceTest, ShowsEachPackAndUnpackOfTheFirstStepsAndAllSteps) {
  {
    GuardOptions options;
    options.trace = path;
    options.trace_steps = 5;
    options.measure = false;
    BudgetGuard guard(halves(), options);
    for (int i = 0; i < 9; ++i) step(guard);
  }
  const nlohmann::json found = events();
  // Two steps observe; three are coded and traced; four more are coded.
  EXPECT_EQ(count(found, "pack"), 3);
  EXPECT_EQ(count(found, "unpack"), 3);
  EXPECT_EQ(count(found, "step"), 9);
  EXPECT_EQ(count(found, "plan"), 1);
  for (const nlohmann::json& event : found) {
    if (event["name"] != "pack") continue;
    EXPECT_NE(event["args"]["site"].get<std::string>().find("wave/"), std::string::npos);
    EXPECT_EQ(event["args"]["raw_bytes"], kRaw);
    EXPECT_EQ(event["args"]["charged_bytes"], kCast);
  }
}

TEST_F(TraceTest, ShowsWhatTheReclaimerDid) {
  {
    GuardOptions options;
    options.trace = path;
    auto x = torch::full({256, 256}, 0.5).requires_grad_();
    BudgetGuard guard(without_noise_bound(DeviceMeter::of(c10::kCPU).current_bytes() + 8 * kRaw), options);
    auto h = x * 2;
    for (int i = 0; i < 16; ++i) h = h.sin();
    h.sum().backward();
    guard.step();
    EXPECT_GT(guard.usage().reclaims, 0);
  }
  const nlohmann::json found = events();
  EXPECT_GT(std::ranges::count_if(found, [](const auto& e) { return e["name"] == "reclaim" && e["ph"] == "X"; }), 0);
  EXPECT_GT(count(found, "bytes"), 0);
}

TEST_F(TraceTest, APathThatCannotBeWrittenIsAnErrorBeforeTheFirstStep) {
  GuardOptions options;
  options.trace = "/nowhere/trace.json";
  EXPECT_THROW(BudgetGuard(Budget::exact(), options), Error);
  const BudgetGuard another(Budget::exact());  // the device is free again
}

}  // namespace
}  // namespace cinch::test
