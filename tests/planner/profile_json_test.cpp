#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "cinch/planner.h"
#include "cinch/profile.h"
#include "planner/profile_check.h"
#include "tests/planner/random_profile.h"

namespace cinch {
namespace {

using nlohmann::json;

Profile small() { return planner::testing::random_profile(3, {.payloads = 3, .options = 4}); }

std::string pointer_of(const std::string& text) {
  try {
    Profile::from_json(text);
  } catch (const JsonError& error) {
    return error.pointer();
  }
  return "accepted";
}

TEST(ProfileJson, SurvivesARoundTripByteForByte) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Profile profile =
        planner::testing::random_profile(seed, {.payloads = 8, .options = 6, .irregular = seed % 2 == 0});
    const std::string text = profile.to_json();
    EXPECT_EQ(Profile::from_json(text).to_json(), text);
  }
}

TEST(ProfileJson, KeepsWhatJsonHasNoWordsFor) {
  Profile profile = small();
  constexpr double kInf = std::numeric_limits<double>::infinity();
  profile.sites[0].predicate = {PredicateKind::kClosedInterval, -kInf, kInf, true};
  profile.payloads[1].stats.max = kInf;
  profile.payloads[1].stats.mean = std::numeric_limits<double>::quiet_NaN();
  const std::string text = profile.to_json();
  EXPECT_EQ(text.find("null"), text.npos);
  const Profile back = Profile::from_json(text);
  EXPECT_EQ(back.sites[0].predicate, profile.sites[0].predicate);
  EXPECT_EQ(back.payloads[1].stats.max, kInf);
  EXPECT_TRUE(std::isnan(back.payloads[1].stats.mean));
}

TEST(ProfileJson, KeepsTheSpreadOfGroupRangesOrTakesThemForEqual) {
  Profile profile = small();
  TensorStats& stats = profile.payloads[0].stats;
  for (size_t i = 0; i < stats.square_group_ranges.size(); ++i)
    stats.square_group_ranges[i] = 0.1 * static_cast<double>(i);
  stats.mean_square_group_range = 0.75;
  json document = json::parse(profile.to_json());
  EXPECT_EQ(Profile::from_json(document.dump()).payloads[0].stats.square_group_ranges, stats.square_group_ranges);

  json& written = document["payloads"][0]["stats"];
  written["square_group_ranges"].erase(3);
  EXPECT_EQ(pointer_of(document.dump()), "/payloads/0/stats/square_group_ranges");
  written.erase("square_group_ranges");  // as profiles were before they had it
  const Profile older = Profile::from_json(document.dump());
  for (const double square : older.payloads[0].stats.square_group_ranges) EXPECT_EQ(square, 0.75);
  EXPECT_FALSE(json::parse(older.to_json())["payloads"][0]["stats"].contains("square_group_ranges"));
}

TEST(ProfileJson, KeepsWhatWasMeasuredAndReadsWhatWasNot) {
  Profile profile = small();
  profile.gradient_pairs = 7;
  profile.sites[0].sensitivity = 0.03125;
  profile.sites[0].replays = 2;
  profile.sites[1].unplayed = "leads through a custom function";
  profile.payloads[0].options[1].relative_error = 0.125;
  const Profile back = Profile::from_json(profile.to_json());
  EXPECT_EQ(back.gradient_pairs, 7);
  EXPECT_EQ(back.sites[0].sensitivity, 0.03125);
  EXPECT_EQ(back.sites[0].replays, 2);
  EXPECT_EQ(back.sites[1].unplayed, profile.sites[1].unplayed);
  EXPECT_EQ(back.payloads[0].options[1].relative_error, 0.125);
  json older = json::parse(profile.to_json());
  older.erase("gradient_pairs");
  older["sites"][0].erase("sensitivity");
  older["sites"][0].erase("replays");
  older["payloads"][0]["options"][1].erase("relative_error");
  const Profile unmeasured = Profile::from_json(older.dump());
  EXPECT_EQ(unmeasured.gradient_pairs, 0);
  EXPECT_EQ(unmeasured.sites[0].replays, 0);
  older["sites"][0]["sensitivity"] = -1;
  EXPECT_EQ(pointer_of(older.dump()), "/sites/0/sensitivity");
}

TEST(ProfileJson, RefusesToWriteNumbersThatNobodyCouldPlanWith) {
  for (double bad : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    Profile profile = small();
    profile.payloads[0].options[0].seconds = bad;
    EXPECT_THROW(profile.to_json(), Error);
    profile = small();
    profile.gradient_variance = bad;
    EXPECT_THROW(profile.to_json(), Error);
  }
}

TEST(ProfileJson, IgnoresUnknownKeys) {
  json document = json::parse(small().to_json());
  document["future"] = {{"a", 1}};
  document["payloads"][0]["future"] = nullptr;
  document["payloads"][0]["options"][0]["future"] = "x";
  EXPECT_EQ(pointer_of(document.dump()), "accepted");
}

TEST(ProfileJson, PointsAtEveryMissingMember) {
  const json document = json::parse(small().to_json());
  for (const auto& item : document.items()) {
    json damaged = document;
    damaged.erase(item.key());
    EXPECT_EQ(pointer_of(damaged.dump()), std::string("/") + item.key());
  }
  for (const auto& item : document["payloads"][1].items()) {
    json damaged = document;
    damaged["payloads"][1].erase(item.key());
    EXPECT_EQ(pointer_of(damaged.dump()), std::string("/payloads/1/") + item.key());
  }
}

TEST(ProfileJson, PointsAtEveryIndexOutOfRange) {
  const json document = json::parse(small().to_json());
  const auto last = static_cast<int>(document["timeline"].size());
  const std::pair<const char*, json> cases[] = {
      {"/sites/0/payload", 3},
      {"/sites/0/payload", -2},
      {"/sites/0/need", "everything"},
      {"/payloads/0/sites/0", 3},
      {"/payloads/0/sites/0", -1},
      {"/payloads/0/saved_at", -1},
      {"/payloads/0/saved_at", last},
      {"/payloads/0/freed_at", last + 1},
      {"/payloads/1/freed_at", 0},
      {"/payloads/0/exclusive_at", last},
      {"/payloads/0/exclusive_at", -2},
      {"/payloads/0/exclusive_at", 3000000000},
      {"/payloads/0/uses/0/begin", "0"},
      {"/payloads/0/raw_bytes", -1},
      {"/payloads/0/raw_bytes", 1.5},
      {"/payloads/0/options/0/charged_bytes", -5},
      {"/payloads/0/options/1/noise_variance", -1e-9},
      {"/payloads/0/options/0/lossless", 1},
      {"/timeline/2", -1},
      {"/gradient_variance", "0.5"},
      {"/device_bytes", true},
      {"/payloads/0/sites/0", 1e10},
      {"/timeline/0", 4e18},
  };
  for (const auto& [pointer, value] : cases) {
    json damaged = document;
    damaged[json::json_pointer(pointer)] = value;
    EXPECT_EQ(pointer_of(damaged.dump()), pointer) << value;
  }
  for (const char* pointer : {"/payloads/0/uses/0/begin", "/payloads/0/uses/0/end"}) {
    json damaged = document;
    damaged[json::json_pointer(pointer)] = last;
    EXPECT_EQ(pointer_of(damaged.dump()), "/payloads/0/uses/0");
  }
}

TEST(ProfileJson, WantsKeepAsTheFirstOption) {
  json document = json::parse(small().to_json());
  document["payloads"][2]["options"] = json::array();
  EXPECT_EQ(pointer_of(document.dump()), "/payloads/2/options");
  document = json::parse(small().to_json());
  document["payloads"][2]["options"][0]["spec"]["name"] = "mask";
  EXPECT_EQ(pointer_of(document.dump()), "/payloads/2/options");
}

TEST(ProfileJson, SumsOfBytesCannotOverflow) {
  Profile profile = small();
  for (auto& payload : profile.payloads) payload.raw_bytes = int64_t{1} << 60;
  EXPECT_EQ(pointer_of(profile.to_json()), "/payloads");
  EXPECT_THROW(make_plan(profile, Budget::bytes(1000)), Error);
}

// Whatever a damaged file says: an error, or a profile that the planner can work with.
TEST(ProfileJson, NoDamagedFileCrashesThePlanner) {
  const std::string text = small().to_json();
  int accepted = 0, refused = 0;
  uint64_t x = 88172645463325252u;
  const auto next = [&](size_t n) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    return static_cast<size_t>(x % n);
  };
  constexpr char kBytes[] = "0123456789-+.eE\"{}[]:,tfnu \\\xff";
  for (int i = 0; i < 4000; ++i) {
    std::string damaged = text;
    for (size_t n = 1 + next(3); n > 0; --n) {
      const size_t at = next(damaged.size());
      switch (next(4)) {
        case 0:
          damaged.erase(at, 1 + next(20));
          break;
        case 1:
          damaged.insert(at, 1, kBytes[next(sizeof kBytes - 1)]);
          break;
        default:
          damaged[at] = kBytes[next(sizeof kBytes - 1)];
      }
      if (damaged.empty()) damaged.assign(1, 'x');
    }
    try {
      const Profile profile = Profile::from_json(damaged);
      ++accepted;
      make_plan(profile, Budget::above_floor(0.3));
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(accepted, 100);
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace cinch
