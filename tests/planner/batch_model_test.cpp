#include "planner/batch_model.h"

#include <gtest/gtest.h>

#include "cinch/planner.h"
#include "planner/profile_check.h"
#include "tests/planner/batch_profile.h"

namespace cinch::planner {
namespace {

using testing::batch_profile;

TEST(BatchModel, GivesBackWhatWasObserved) {
  const std::vector<Profile> profiles{batch_profile(16), batch_profile(8)};
  EXPECT_EQ(BatchModel(std::span(profiles)).at(8)->to_json(), profiles[1].to_json());
  EXPECT_EQ(BatchModel(std::span(profiles)).at(16)->to_json(), profiles[0].to_json());
  EXPECT_EQ(BatchModel(std::span(profiles.data(), 1)).at(16)->to_json(), profiles[0].to_json());
}

TEST(BatchModel, OfTwoProfilesIsTheirLine) {
  const std::vector<Profile> profiles{batch_profile(8), batch_profile(16)};
  const BatchModel model{std::span(profiles)};
  for (int64_t batch : {1, 4, 12, 32, 1000}) {
    const Profile truth = batch_profile(batch), modelled = *model.at(batch);
    for (size_t i = 0; i < truth.payloads.size(); ++i) {
      EXPECT_GE(modelled.payloads[i].raw_bytes, truth.payloads[i].raw_bytes) << batch;
      EXPECT_LE(modelled.payloads[i].raw_bytes, truth.payloads[i].raw_bytes + 511) << batch;
      EXPECT_EQ(modelled.payloads[i].numel, truth.payloads[i].numel) << batch;
      for (size_t o = 0; o < truth.payloads[i].options.size(); ++o) {
        EXPECT_GE(modelled.payloads[i].options[o].charged_bytes, truth.payloads[i].options[o].charged_bytes);
        EXPECT_LE(modelled.payloads[i].options[o].charged_bytes, truth.payloads[i].options[o].charged_bytes + 511);
      }
    }
    for (size_t t = 0; t < truth.timeline.size(); ++t) {
      EXPECT_GE(modelled.timeline[t].bytes, truth.timeline[t].bytes) << batch << " at " << t;
      EXPECT_LE(modelled.timeline[t].bytes, truth.timeline[t].bytes + 3 * 511) << batch << " at " << t;
    }
  }
}

TEST(BatchModel, OfOneProfileIsOnTheSafeSide) {
  const Profile profile = batch_profile(8);
  const BatchModel model{std::span(&profile, 1)};
  for (int64_t batch : {1, 2, 4, 7, 9, 16, 100}) {
    const Profile truth = batch_profile(batch), modelled = *model.at(batch);
    for (size_t t = 0; t < truth.timeline.size(); ++t)
      EXPECT_GE(modelled.timeline[t].bytes, truth.timeline[t].bytes) << batch << " at " << t;
    for (size_t i = 0; i < truth.payloads.size(); ++i)
      EXPECT_GE(modelled.payloads[i].raw_bytes, truth.payloads[i].raw_bytes) << batch;
    EXPECT_LT(modelled.baseline_peak_bytes(), profile.baseline_peak_bytes() * (batch + 8) / 8 + 2000) << batch;
  }
  EXPECT_EQ(model.at(16)->payloads[2].raw_bytes, profile.payloads[2].raw_bytes) << "7001 values are no multiple of 8";
  EXPECT_LT(model.at(4)->baseline_peak_bytes(), profile.baseline_peak_bytes());
}

TEST(BatchModel, BytesOfAChoiceNeverFallAsTheBatchGrows) {
  const std::vector<Profile> two{batch_profile(8), batch_profile(16)};
  for (size_t profiles : {size_t{1}, size_t{2}}) {
    const BatchModel model(std::span(two.data(), profiles));
    for (int32_t option = 0; option < 4; ++option) {
      int64_t before = 0;
      for (int64_t batch = 1; batch < 40; ++batch) {
        const Profile profile = *model.at(batch);
        EXPECT_FALSE(find_defect(profile).has_value());
        const int64_t peak = simulate_peak(profile, {option, option, option});
        EXPECT_GE(peak, before) << batch;
        before = peak;
      }
    }
  }
}

TEST(BatchModel, LessForALargerBatchIsNoPromise) {
  std::vector<Profile> profiles{batch_profile(8), batch_profile(16)};
  profiles[1].timeline[0].bytes -= profiles[1].payloads[0].raw_bytes - profiles[0].payloads[0].raw_bytes + 20'000;
  const BatchModel model{std::span(profiles)};
  EXPECT_GE(model.at(32)->timeline[0].bytes - model.at(32)->payloads[0].raw_bytes,
            profiles[0].timeline[0].bytes - profiles[0].payloads[0].raw_bytes);
}

TEST(BatchModel, NoiseOfASmallerBatchIsLarger) {
  const Profile profile = batch_profile(8);
  const BatchModel model{std::span(&profile, 1)};
  EXPECT_DOUBLE_EQ(model.at(2)->payloads[0].options[1].noise_variance,
                   4 * profile.payloads[0].options[1].noise_variance);
  EXPECT_DOUBLE_EQ(model.at(2)->gradient_variance, 4 * profile.gradient_variance);
  EXPECT_DOUBLE_EQ(model.at(32)->payloads[0].options[1].noise_variance, profile.payloads[0].options[1].noise_variance);
  EXPECT_NEAR(model.at(32)->payloads[0].options[1].seconds, 4 * profile.payloads[0].options[1].seconds, 1e-9);
}

TEST(BatchModel, RefusesWhatItCannotTell) {
  const auto what = [](std::vector<Profile> profiles) -> std::string {
    try {
      BatchModel model{std::span(profiles)};
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  Profile unknown = batch_profile(8);
  unknown.batch = 0;
  EXPECT_NE(what({unknown}).find("does not know its batch"), std::string::npos);
  EXPECT_NE(what({}).find("needs a profile"), std::string::npos);
  EXPECT_NE(what({batch_profile(8), batch_profile(8)}).find("same batch of 8"), std::string::npos);
  Profile renamed = batch_profile(16);
  renamed.sites[1].name = "z/linear#0:input";
  const std::string other = what({batch_profile(8), renamed});
  EXPECT_NE(other.find("b/linear#0:input and site z/linear#0:input"), std::string::npos) << other;
  Profile shorter = batch_profile(16);
  shorter.timeline.push_back({1});
  EXPECT_NE(what({batch_profile(8), shorter}).find("8 and 9 instants"), std::string::npos);
  Profile later = batch_profile(16);
  later.payloads[1].freed_at -= 1;
  EXPECT_NE(what({batch_profile(8), later}).find("payload 1 lives differently"), std::string::npos);
  const Profile good = batch_profile(8);
  EXPECT_THROW(BatchModel(std::span(&good, 1)).at(0), Error);
  EXPECT_FALSE(BatchModel(std::span(&good, 1)).at(INT64_C(1) << 60).has_value());
}

TEST(BatchModel, KeepsOnlyOptionsThatAllProfilesHave) {
  std::vector<Profile> profiles{batch_profile(8), batch_profile(16)};
  profiles[1].payloads[0].options.erase(profiles[1].payloads[0].options.begin() + 2);
  EXPECT_EQ(BatchModel(std::span(profiles)).at(32)->payloads[0].options.size(), 3u);
}

}  // namespace
}  // namespace cinch::planner
