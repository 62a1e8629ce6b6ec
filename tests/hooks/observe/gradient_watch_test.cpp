// What profiles say of parameters' gradients, instant by instant.
#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

struct Two : torch::nn::Module {
  Two() {
    first = register_module("first", torch::nn::Linear(64, 256));
    second = register_module("second", torch::nn::Linear(256, 64));
  }
  at::Tensor forward(const at::Tensor& x) { return second(torch::sigmoid(first(x))); }
  torch::nn::Linear first{nullptr}, second{nullptr};
};

constexpr int64_t kFirst = (64 * 256 + 256) * 4, kSecond = (256 * 64 + 64) * 4;

std::shared_ptr<const Profile> profile_of(int backwards, bool clear) {
  Two net;
  GuardOptions options;
  options.measure = false;
  BudgetGuard guard(net, Budget::exact(), options);
  for (int step = 0; step < 2; ++step) {
    if (clear) net.zero_grad();
    for (int i = 0; i < backwards; ++i) net.forward(torch::randn({32, 64})).square().mean().backward();
    guard.step();
  }
  return guard.profile();
}

std::vector<int64_t> gradients_of(const Profile& profile) {
  std::vector<int64_t> bytes;
  for (const Instant& instant : profile.timeline) bytes.push_back(instant.gradients_bytes);
  return bytes;
}

TEST(GradientWatch, GradientsComeLayerByLayerOnTheWayBack) {
  const auto profile = profile_of(1, true);
  const auto bytes = gradients_of(*profile);
  ASSERT_GT(bytes.size(), 4u);
  // The instant in which the loop cleared the last step's gradients is not counted: they went within it.
  EXPECT_EQ(bytes[1], 0);
  EXPECT_TRUE(std::is_sorted(bytes.begin() + 1, bytes.end()));
  EXPECT_NE(std::find(bytes.begin(), bytes.end(), kSecond), bytes.end()) << "the last layer's are first";
  EXPECT_EQ(profile->gradients_bytes, kFirst + kSecond);
}

TEST(GradientWatch, GradientsThatStayAreThereFromTheStart) {
  const auto bytes = gradients_of(*profile_of(1, false));
  for (size_t i = 1; i < bytes.size(); ++i) EXPECT_EQ(bytes[i], kFirst + kSecond) << i;
}

TEST(GradientWatch, ASecondBackwardAddsNothing) {
  const auto bytes = gradients_of(*profile_of(2, true));
  EXPECT_EQ(bytes[1], 0);
  EXPECT_TRUE(std::is_sorted(bytes.begin() + 1, bytes.end()));
  EXPECT_EQ(bytes.back(), kFirst + kSecond);
}

TEST(GradientWatch, TheTimelinesCategoriesAddUp) {
  const auto profile = profile_of(1, true);
  const auto parts = profile->timeline_by_category();
  ASSERT_EQ(parts.size(), profile->timeline.size());
  int64_t payloads = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(parts[i].total_bytes(), profile->timeline[i].bytes);
    payloads = std::max(payloads, parts[i].payloads_bytes);
  }
  EXPECT_EQ(payloads, profile->raw_peak_bytes());
}

}  // namespace
}  // namespace cinch::test
