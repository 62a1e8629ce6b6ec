#include "planner/noise_prior.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tuple>
#include <utility>
#include <vector>

namespace cinch::planner {
namespace {

constexpr double kOneSigmaDither = 1.0 / 12.0;

struct Input {
  Need need;
  Reach reach;
  double rel_mse;
  int64_t weight_payloads;
};
double noise_prior(const Input& input) {
  return noise_of(input.need, sensitivity_prior({input.need, input.reach, input.weight_payloads}), input.rel_mse);
}

double of_class(int payloads, Need need, Reach reach, double rel_mse, int64_t weights) {
  return payloads * noise_prior({need, reach, rel_mse, weights});
}

void expect_within_half_as_much_again(double predicted, double measured) {
  EXPECT_LT(predicted, 1.5 * measured);
  EXPECT_GT(predicted, measured / 1.5);
}

// 20 convolutions, one linear layer, 20 batch norms.
double resnet18(double rel_mse) {
  return of_class(21, Need::kLinear, Reach::kWeightGrad, rel_mse, 21) +
         of_class(20, Need::kNonlinear, Reach::kNormalisation, rel_mse, 21);
}

TEST(NoisePrior, ReproducesGroupQuantOnResNet18) {
  expect_within_half_as_much_again(resnet18(0.58), 0.308 * 0.308);
  expect_within_half_as_much_again(resnet18(0.107), 0.125 * 0.125);
}

// Four blocks of query-key-value, projection, two linear layers; a head: 17 linear inputs.
TEST(NoisePrior, ReproducesTheClassesOfACharacterGpt) {
  const auto of = [](int payloads, Need need, Reach reach) {
    return of_class(payloads, need, reach, kOneSigmaDither, 17);
  };
  expect_within_half_as_much_again(of(17, Need::kLinear, Reach::kWeightGrad), 0.149 * 0.149);
  expect_within_half_as_much_again(of(9, Need::kNonlinear, Reach::kNormalisation), 0.014 * 0.014);
  expect_within_half_as_much_again(of(4, Need::kNonlinear, Reach::kInputGrad), 0.023 * 0.023);
  expect_within_half_as_much_again(of(16, Need::kLinear, Reach::kInputGrad), 0.055 * 0.055);
  expect_within_half_as_much_again(of(1, Need::kNonlinear, Reach::kUpstream), 1.47 * 1.47);
}

TEST(NoisePrior, PricesUpstreamErrorsWhateverTheSizeOfTheModel) {
  const double small = noise_prior({Need::kNonlinear, Reach::kUpstream, 0.1, 1});
  EXPECT_EQ(noise_prior({Need::kNonlinear, Reach::kUpstream, 0.1, 1000}), small);
  EXPECT_GT(small, 100 * noise_prior({Need::kNonlinear, Reach::kInputGrad, 0.1, 10}));
}

constexpr Reach kReaches[] = {Reach::kWeightGrad, Reach::kInputGrad, Reach::kBoth, Reach::kNormalisation,
                              Reach::kUpstream};

TEST(NoisePrior, UnknownReachCostsAtLeastWhatTheOtherPayloadsOfALayerDo) {
  for (Reach reach : {Reach::kWeightGrad, Reach::kInputGrad, Reach::kNormalisation})
    EXPECT_LT(noise_prior({Need::kLinear, reach, 0.1, 20}), noise_prior({Need::kLinear, Reach::kBoth, 0.1, 20}));
}

TEST(NoisePrior, LosslessAddsNothing) {
  for (Reach reach : kReaches) EXPECT_EQ(noise_prior({Need::kLinear, reach, 0.0, 5}), 0.0);
}

TEST(NoisePrior, GrowsWithTheError) {
  for (Reach reach : kReaches) {
    EXPECT_LT(noise_prior({Need::kNonlinear, reach, 0.1, 5}), noise_prior({Need::kNonlinear, reach, 0.2, 5}));
  }
}

TEST(NoisePrior, NeedsThatNoLossyCodecMayServeCostAsMuchAsUpstream) {
  for (Need need : {Need::kExact, Need::kMask, Need::kInteger, Need::kOpaque})
    EXPECT_GT(noise_prior({need, Reach::kWeightGrad, 0.1, 1000}), 1.0);
}

TEST(NoisePrior, StaysFiniteForAbsurdInput) {
  constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();
  for (double rel_mse : {kInf, kNan, -1.0, 1e308}) {
    for (int64_t weights : {int64_t{-1}, int64_t{0}, std::numeric_limits<int64_t>::max()}) {
      const double noise = noise_prior({Need::kNonlinear, Reach::kWeightGrad, rel_mse, weights});
      EXPECT_TRUE(std::isfinite(noise));
      EXPECT_GE(noise, 0.0);
    }
  }
  EXPECT_GT(noise_prior({Need::kLinear, Reach::kWeightGrad, kNan, 10}), 1.0);
}

TEST(NoiseOfASite, IsNotBelievedFarBeyondTheErrorThatWasMeasured) {
  SiteProfile site;
  site.need = Need::kNonlinear;
  site.sensitivity = 0.01;
  site.prior_sensitivity = 26;
  site.replays = 1;
  site.replayed_error = 0.02;
  EXPECT_DOUBLE_EQ(noise_of(site, 0.08), noise_of(Need::kNonlinear, 0.01, 0.08));
  EXPECT_DOUBLE_EQ(noise_of(site, 0.081), noise_of(Need::kNonlinear, 26, 0.081));
  site.sensitivity = 30;
  EXPECT_DOUBLE_EQ(noise_of(site, 1.0), noise_of(Need::kNonlinear, 30, 1.0)) << "the larger of both";
  site.need = Need::kLinear;
  site.sensitivity = 0.01;
  EXPECT_DOUBLE_EQ(noise_of(site, 1.0), 0.01) << "a linear one is the same at every error";
  site.need = Need::kNonlinear;
  site.replays = 0;
  EXPECT_DOUBLE_EQ(noise_of(site, 1.0), noise_of(Need::kNonlinear, 0.01, 1.0)) << "nothing was measured";
}

// Two payloads: one of two sites that read values and one that reads a mask, one of a single site.
Profile two_payloads() {
  Profile profile;
  for (const auto& [name, need, sensitivity] :
       {std::tuple{"a", Need::kLinear, 0.5}, std::tuple{"b", Need::kNonlinear, 0.25}, std::tuple{"c", Need::kMask, 9.0},
        std::tuple{"d", Need::kLinear, 2.0}}) {
    SiteProfile site;
    site.name = name;
    site.need = need;
    site.sensitivity = sensitivity;
    profile.sites.push_back(site);
  }
  for (const std::vector<int32_t>& sites : {std::vector<int32_t>{0, 1, 2}, std::vector<int32_t>{3}}) {
    PayloadProfile payload;
    payload.sites = sites;
    for (const double error : {0.0, 0.1, 0.4}) {
      Option option;
      option.spec = error == 0 ? CodecSpec{} : CodecSpec{"dither", {{"step_sigma", 2 * error}}};
      option.lossless = error == 0;
      option.relative_error = error;
      payload.options.push_back(option);
    }
    profile.payloads.push_back(payload);
  }
  return profile;
}

SiteProfile site_of_kind(const char* op, Need need, double prior) {
  SiteProfile site;
  site.op = op;
  site.slot = "input";
  site.need = need;
  site.prior_sensitivity = site.sensitivity = prior;
  return site;
}

TEST(SpreadMeasurements, PriorsAreCorrectedByWhatMeasuredSitesOfTheirKindShowed) {
  Profile profile;
  for (const double factor : {1.0, 8.0, 1000.0, 20.0}) {
    profile.sites.push_back(site_of_kind("native_batch_norm", Need::kNonlinear, 0.5));
    profile.sites.back().sensitivity *= factor;
    profile.sites.back().replays = 1;
  }
  profile.sites.push_back(site_of_kind("native_batch_norm", Need::kNonlinear, 0.25));
  profile.sites.push_back(site_of_kind("convolution", Need::kLinear, 0.25));       // none of its kind was measured
  profile.sites.push_back(site_of_kind("native_batch_norm", Need::kExact, 0.25));  // no values are read
  const std::vector<SiteProfile> before = profile.sites;
  for (int round = 0; round < 2; ++round) {  // again changes nothing
    spread_measurements(profile);
    for (const size_t i : {0u, 1u, 2u, 3u, 5u, 6u}) EXPECT_EQ(profile.sites[i].sensitivity, before[i].sensitivity) << i;
    EXPECT_DOUBLE_EQ(profile.sites[4].sensitivity, 0.25 * 1000);
    EXPECT_EQ(profile.sites[4].replays, 0);
  }
  profile.sites[2].sensitivity = 0.5 * 9;
  spread_measurements(profile);
  EXPECT_DOUBLE_EQ(profile.sites[4].sensitivity, 0.25 * 20) << "of factors 1, 8, 9, 20";
}

TEST(Reprice, AddsWhatTheSitesFeel) {
  Profile profile = two_payloads();
  reprice(profile);
  EXPECT_EQ(profile.payloads[0].options[0].noise_variance, 0);
  EXPECT_DOUBLE_EQ(profile.payloads[0].options[1].noise_variance, 0.5 * 0.1 + 0.25 * 0.1 * 1.1);
  EXPECT_DOUBLE_EQ(profile.payloads[1].options[2].noise_variance, 2.0 * 0.4);
}

TEST(Reprice, LeavesWhatHasNoErrorAsItIs) {
  Profile profile = two_payloads();
  profile.payloads[1].options[2].relative_error = 0;  // as in profiles that did not write it down
  profile.payloads[1].options[2].noise_variance = 0.125;
  reprice(profile);
  EXPECT_EQ(profile.payloads[1].options[2].noise_variance, 0.125);
}

TEST(Reprice, TellsWhatAPlanComesToAtOtherPrices) {
  Profile profile = two_payloads();
  reprice(profile);
  Plan plan;
  for (const auto& [site, error] : {std::pair{"a", 0.1}, std::pair{"d", 0.4}, std::pair{"unknown", 0.4}}) {
    PlanEntry entry;
    entry.site = site;
    entry.spec = CodecSpec{"dither", {{"step_sigma", 2 * error}}};
    entry.noise_variance = 1;
    plan.entries.push_back(entry);
  }
  EXPECT_DOUBLE_EQ(noise_variance_of(plan, profile), 0.5 * 0.1 + 0.25 * 0.1 * 1.1 + 2.0 * 0.4 + 1);
  plan.entries[2].charged_bytes = 7;  // what the profile does not know
  profile.payloads[0].options[1].charged_bytes = 100;
  profile.payloads[1].options[2].charged_bytes = 20;
  EXPECT_DOUBLE_EQ(charged_bytes_of(plan, profile), 127);
  for (SiteProfile& site : profile.sites) site.sensitivity *= 2;
  reprice(profile);
  EXPECT_DOUBLE_EQ(noise_variance_of(plan, profile), 2 * (0.5 * 0.1 + 0.25 * 0.1 * 1.1 + 2.0 * 0.4) + 1);
}

}  // namespace
}  // namespace cinch::planner
