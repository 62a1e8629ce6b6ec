#include "planner/categories.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cinch/error.h"
#include "planner/simulate.h"
#include "tests/planner/random_profile.h"

namespace cinch::planner {
namespace {

// Parameters 100, optimizer 50, gradients 30 from instant 6 on; a payload of 400 from 1 to 6, that coding makes 50.
Profile small() {
  Profile profile;
  profile.parameters_bytes = 100;
  profile.optimizer_bytes = 50;
  for (int i = 0; i < 8; ++i) profile.timeline.push_back({i >= 1 && i < 6 ? 700 : 300, i < 6 ? 0 : 30});
  PayloadProfile payload;
  payload.numel = 100;
  payload.raw_bytes = 400;
  payload.saved_at = 1;
  payload.exclusive_at = 2;
  payload.freed_at = 6;
  payload.uses = {{5, 5}};
  payload.options.resize(2);
  payload.options[0].charged_bytes = 400;
  payload.options[1].spec.name = "group_quant";
  payload.options[1].charged_bytes = 50;
  profile.payloads = {payload};
  return profile;
}

TEST(Categories, EachInstantAddsUpToWhatIsInUse) {
  for (uint64_t seed = 1; seed < 40; ++seed) {
    Profile profile = testing::random_profile(seed, {.irregular = seed % 2 == 0});
    profile.parameters_bytes = 1 << 20;
    profile.optimizer_bytes = 1 << 19;
    for (size_t i = 0; i < profile.timeline.size(); ++i)
      profile.timeline[i].gradients_bytes = static_cast<int64_t>(i) << 12;
    for (const int32_t choice : {0, 1}) {
      std::vector<int32_t> choices;
      for (const PayloadProfile& payload : profile.payloads)
        choices.push_back(std::min(choice, static_cast<int32_t>(payload.options.size()) - 1));
      const auto total = simulate(profile, choices);
      const auto parts = by_category(profile, choices);
      ASSERT_EQ(parts.size(), total.size());
      for (size_t i = 0; i < parts.size(); ++i) {
        EXPECT_EQ(parts[i].total_bytes(), total[i]);
        for (const int64_t part : {parts[i].parameters_bytes, parts[i].gradients_bytes, parts[i].optimizer_bytes,
                                   parts[i].payloads_bytes, parts[i].transients_bytes})
          EXPECT_GE(part, 0);
      }
    }
  }
}

TEST(Categories, RawPayloadsAndWhatAPlanMakesOfThem) {
  const Profile profile = small();
  const auto raw = profile.timeline_by_category();
  const auto coded = by_category(profile, {1});
  EXPECT_EQ(raw[0].payloads_bytes, 0);
  EXPECT_EQ(raw[3].payloads_bytes, 400);
  EXPECT_EQ(raw[3].transients_bytes, 150);
  EXPECT_EQ(coded[3].payloads_bytes, 50);
  EXPECT_EQ(coded[3].transients_bytes, 150) << "a plan changes payloads alone";
  EXPECT_EQ(coded[5].payloads_bytes, 450) << "with its decode buffer";
  EXPECT_EQ(raw[5].gradients_bytes, 0);
  EXPECT_EQ(raw[6].gradients_bytes, 30);
  EXPECT_EQ(raw[6].parameters_bytes, 100);
  EXPECT_EQ(raw[6].optimizer_bytes, 50);
}

TEST(Categories, GradientsSurviveTheFileAndOldFilesHaveNone) {
  const Profile profile = small();
  const Profile back = Profile::from_json(profile.to_json());
  for (size_t i = 0; i < profile.timeline.size(); ++i)
    EXPECT_EQ(back.timeline[i].gradients_bytes, profile.timeline[i].gradients_bytes);
  Profile old = profile;
  for (Instant& instant : old.timeline) instant.gradients_bytes = 0;
  EXPECT_EQ(old.to_json().find("timeline_gradients"), std::string::npos);
  EXPECT_EQ(Profile::from_json(old.to_json()).timeline[7].gradients_bytes, 0);
}

TEST(Categories, AFileWithGradientsForOtherInstantsIsRefused) {
  std::string text = small().to_json();
  const size_t at = text.find("timeline_gradients");
  ASSERT_NE(at, std::string::npos);
  const size_t zero = text.find('0', at);
  text.erase(zero, text.find(',', zero) - zero + 1);
  try {
    Profile::from_json(text, "short.json");
    FAIL() << "one instant has no gradients";
  } catch (const JsonError& error) {
    EXPECT_NE(std::string(error.what()).find("/timeline_gradients"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace cinch::planner
