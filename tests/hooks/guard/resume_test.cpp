// Profiles from files: a second run starts where the first one was.
#include <filesystem>
#include <fstream>

#include "planner/noise_prior.h"
#include "tests/hooks/support.h"
#include "tests/support/scratch_folder.h"

namespace cinch::test {
namespace {

// Values before linear layers, and a loss that every one of them reaches.
struct Net : torch::nn::Module {
  explicit Net(int64_t layers) {
    torch::manual_seed(2);
    for (int64_t i = 0; i < layers; ++i)
      parts.push_back(register_module("part" + std::to_string(i), torch::nn::Linear(64, 64)));
  }
  void step() {
    zero_grad();
    auto h = torch::rand({128, 64}) * 1.0;
    for (auto& part : parts) h = part(h * 1.5).sigmoid();
    h.square().sum().backward();
  }
  std::vector<torch::nn::Linear> parts;
};

class Resume : public testing::Test {
 protected:
  const ScratchFolder folder_;
  const std::string file_ = folder_ / "profile.json";

  static Budget budget() {
    Budget out = Budget::exact();
    out.allow.clear();
    out.objective = Objective::kLeastBytes;
    out.max_gradient_noise = 0.05;
    out.min_effective_batch = 0;
    return out;
  }
  std::shared_ptr<const Profile> first_run() const {
    Net net(8);
    GuardOptions options;
    options.save_profile = file_;
    options.batch = 128;
    BudgetGuard guard(net, budget(), options);
    for (int i = 0; i < 20; ++i) {
      net.step();
      guard.step();
    }
    return guard.profile();
  }
};

int64_t measured(const Profile& profile) {
  return std::ranges::count_if(profile.sites, [](const SiteProfile& site) { return site.replays > 0; });
}

TEST_F(Resume, PlansAtOnceWithWhatWasMeasured) {
  const auto before = first_run();
  ASSERT_GE(measured(*before), 14);
  ASSERT_GT(before->gradient_pairs, 0);
  EXPECT_EQ(before->batch, 128);
  Net net(8);
  GuardOptions options;
  options.load_profile = file_;
  BudgetGuard guard(net, budget(), options);
  ASSERT_EQ(guard.phase(), Phase::kRun) << "nothing is observed";
  ASSERT_TRUE(guard.plan());
  EXPECT_EQ(measured(*guard.profile()), measured(*before));
  const double planned = guard.plan()->predicted_noise;
  EXPECT_GT(planned, 0);
  net.step();
  guard.step();
  EXPECT_EQ(guard.usage().fallbacks, 0) << "every site of the first step is known";
  EXPECT_LT(guard.usage().charged_bytes, guard.usage().raw_bytes);
  EXPECT_DOUBLE_EQ(guard.usage().gradient_variance, before->gradient_variance);
  EXPECT_EQ(guard.usage().gradient_pairs, before->gradient_pairs);
}

TEST_F(Resume, GoesOnMeasuring) {
  const auto before = first_run();
  Net net(8);
  GuardOptions options;
  options.load_profile = file_;
  const std::string again = folder_ / "again.json";
  options.save_profile = again;
  options.replan_interval = 60;
  BudgetGuard guard(net, budget(), options);
  for (int i = 0; i < 70; ++i) {
    net.step();
    guard.step();
  }
  const Profile after = Profile::from_json_file(again);
  int64_t replays = 0, replays_before = 0;
  for (const SiteProfile& site : after.sites) replays += site.replays;
  for (const SiteProfile& site : before->sites) replays_before += site.replays;
  EXPECT_GT(replays, replays_before);
  EXPECT_GE(after.gradient_pairs, before->gradient_pairs) << "observing again forgets nothing";
}

TEST_F(Resume, RefusesAnotherGraph) {
  first_run();
  Net net(9);
  GuardOptions options;
  options.load_profile = file_;
  BudgetGuard guard(net, budget(), options);
  net.step();
  try {
    guard.step();
    ADD_FAILURE() << "not refused";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("another graph"), std::string::npos) << error.what();
  }
}

TEST_F(Resume, RefusesAnotherDeviceAndWhatIsNoProfile) {
  first_run();
  std::ifstream in(file_);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  in.close();
  const auto at = text.find("\"device\": \"cpu\"");
  ASSERT_NE(at, std::string::npos);
  Net net(8);
  GuardOptions options;
  options.load_profile = file_;
  std::ofstream(file_) << std::string(text).replace(at, 15, "\"device\": \"cuda:0\"");
  EXPECT_THROW(BudgetGuard(net, budget(), options), Error);
  std::ofstream(file_) << "{}";
  EXPECT_THROW(BudgetGuard(net, budget(), options), JsonError);
  options.load_profile = folder_ / "none.json";
  EXPECT_THROW(BudgetGuard(net, budget(), options), Error);
  // And nothing stays behind.
  std::ofstream(file_) << text;
  options.load_profile = file_;
  EXPECT_NO_THROW(BudgetGuard(net, budget(), options));
}

// When what was measured leaves no plan under both limit and bounds, the limit holds, training goes on, and the user is
// told.
TEST_F(Resume, NoiseThatTurnsOutTooLargeIsToldNotThrown) {
  Net net(8);
  Budget tight = Budget::above_floor(0.6);
  tight.min_effective_batch = 0;
  std::shared_ptr<const Profile> known;
  {
    // How much noise that limit really costs.
    BudgetGuard guard(net, tight);
    for (int i = 0; i < 20; ++i) {
      net.step();
      guard.step();
    }
    ASSERT_GT(guard.plan()->predicted_noise, 0);
    tight.max_gradient_noise = guard.plan()->predicted_noise * 0.5;
    known = guard.profile();
  }
  // A profile that knows nothing of it yet, and is far too hopeful.
  auto hopeful = std::make_shared<Profile>(*known);
  for (SiteProfile& site : hopeful->sites) {
    site.sensitivity *= 1e-4;
    site.replays = 0;
  }
  planner::reprice(*hopeful);
  std::vector<std::string> warnings;
  GuardOptions options;
  options.profile = hopeful;
  options.on_event = [&](const Event& event) {
    if (event.kind == Event::Kind::kWarning) warnings.push_back(event.message);
  };
  BudgetGuard guard(net, tight, options);
  for (int i = 0; i < 20; ++i) {
    net.step();
    ASSERT_NO_THROW(guard.step());
  }
  ASSERT_FALSE(warnings.empty());
  EXPECT_NE(warnings.front().find("the least noise under the limit"), std::string::npos) << warnings.front();
  EXPECT_GT(guard.plan()->predicted_noise, *tight.max_gradient_noise);
  EXPECT_LE(guard.usage().device_peak_bytes, guard.usage().limit_bytes);
}

}  // namespace
}  // namespace cinch::test
