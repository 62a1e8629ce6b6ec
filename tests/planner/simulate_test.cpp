#include "planner/simulate.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cinch/planner.h"
#include "tests/planner/random_profile.h"

namespace cinch::planner {
namespace {

// Ten instants of 1000 bytes; one payload of 400, saved at 1, exclusive at 2, used at 6, freed at 6.
Profile one_payload(const char* method = "group_quant") {
  Profile profile;
  profile.timeline.assign(10, {1000});
  PayloadProfile payload;
  payload.numel = 100;
  payload.raw_bytes = 400;
  payload.saved_at = 1;
  payload.exclusive_at = 2;
  payload.freed_at = 6;
  payload.uses = {{6, 6}};
  payload.options.resize(2);
  payload.options[0].charged_bytes = 400;
  payload.options[1].spec.name = method;
  payload.options[1].charged_bytes = 50;
  profile.payloads = {payload};
  return profile;
}

using Bytes = std::vector<int64_t>;

TEST(Simulate, RawPayloadsLeaveTheTimelineAsItIs) { EXPECT_EQ(simulate(one_payload(), {0}), Bytes(10, 1000)); }

TEST(Simulate, EncodingAndUseHoldBothForms) {
  EXPECT_EQ(simulate(one_payload(), {1}), (Bytes{1000, 1000, 1050, 650, 650, 650, 1050, 1000, 1000, 1000}));
}

TEST(Simulate, AUseOfSeveralInstantsHoldsItsBufferThroughout) {
  Profile profile = one_payload();
  profile.payloads[0].freed_at = 8;
  profile.payloads[0].uses = {{4, 5}, {7, 7}};
  EXPECT_EQ(simulate(profile, {1}), (Bytes{1000, 1000, 1050, 650, 1050, 1050, 650, 1050, 1000, 1000}));
}

TEST(Simulate, OverlappingUsesHoldABufferEach) {
  Profile profile = one_payload();
  profile.payloads[0].freed_at = 8;
  profile.payloads[0].uses = {{4, 6}, {5, 5}};
  EXPECT_EQ(simulate(profile, {1}), (Bytes{1000, 1000, 1050, 650, 1050, 1450, 1050, 650, 1000, 1000}));
}

TEST(Simulate, ShapeNeedsNoBuffer) {
  Profile profile = one_payload("shape");
  profile.payloads[0].options[1].charged_bytes = 0;
  profile.payloads[0].uses = {{4, 4}};
  EXPECT_EQ(simulate(profile, {1}), (Bytes{1000, 1000, 1000, 600, 600, 600, 1000, 1000, 1000, 1000}));
}

TEST(Simulate, WhatTheUserHoldsCannotBeCoded) {
  Profile profile = one_payload();
  profile.payloads[0].exclusive_at = -1;
  EXPECT_EQ(simulate(profile, {1}), Bytes(10, 1000));
  EXPECT_EQ(simulate_floor(profile), Bytes(10, 1000));
}

TEST(Simulate, FloorHasEmptyPayloadsAndFullBuffers) {
  EXPECT_EQ(simulate_floor(one_payload()), (Bytes{1000, 1000, 1000, 600, 600, 600, 1000, 1000, 1000, 1000}));
  EXPECT_EQ(one_payload().floor_bytes(), 1000);
}

TEST(Simulate, PayloadBytesAreRawUntilEncoded) {
  EXPECT_EQ(simulate_payloads(one_payload(), {1}), (Bytes{0, 400, 400, 50, 50, 50, 0, 0, 0, 0}));
  EXPECT_EQ(one_payload().raw_peak_bytes(), 400);
}

TEST(Simulate, RefusesChoicesThatDoNotFit) {
  EXPECT_THROW(simulate_peak(one_payload(), {}), Error);
  EXPECT_THROW(simulate_peak(one_payload(), {2}), Error);
  EXPECT_THROW(simulate_peak(one_payload(), {-1}), Error);
}

TEST(Simulate, AnEmptyProfileHasNoBytes) {
  EXPECT_EQ(simulate_peak(Profile{}, {}), 0);
  EXPECT_EQ(Profile{}.baseline_peak_bytes(), 0);
  EXPECT_EQ(Profile{}.floor_bytes(), 0);
}

// The semantics again, instant by instant and with no cleverness.
Bytes plainly(const Profile& profile, const std::vector<int32_t>& choice) {
  Bytes out;
  for (int32_t t = 0; t < static_cast<int32_t>(profile.timeline.size()); ++t) {
    int64_t bytes = profile.timeline[t].bytes;
    for (size_t i = 0; i < choice.size(); ++i) {
      const PayloadProfile& p = profile.payloads[i];
      const Option& option = p.options[choice[i]];
      if (option.spec.name == "keep" || p.exclusive_at < 0 || p.exclusive_at >= p.freed_at || t < p.exclusive_at)
        continue;
      int64_t buffers = 0;
      int32_t last = p.freed_at - 1;
      for (const Use& use : p.uses) {
        if (use.end <= p.exclusive_at) continue;
        buffers += t > p.exclusive_at && use.begin <= t && t <= use.end && option.spec.name != "shape";
        last = std::max(last, use.end);
      }
      if (t > last) continue;
      bytes += option.charged_bytes;
      if (t == p.exclusive_at) continue;
      const int64_t change = (buffers - 1) * p.raw_bytes;
      bytes += t >= p.freed_at ? std::max<int64_t>(change, 0) : change;
    }
    out.push_back(bytes);
  }
  return out;
}

TEST(Simulate, AgreesWithAPlainCountOnRandomProfiles) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    const Profile profile = testing::random_profile(seed, {.payloads = 12, .options = 5, .irregular = seed % 3 != 0});
    std::vector<int32_t> choice;
    for (size_t i = 0; i < profile.payloads.size(); ++i)
      choice.push_back(static_cast<int32_t>((seed * 7 + i * 13) % profile.payloads[i].options.size()));
    const Bytes bytes = simulate(profile, choice), floor = simulate_floor(profile);
    ASSERT_EQ(bytes, plainly(profile, choice)) << "seed " << seed;
    for (size_t t = 0; t < bytes.size(); ++t) ASSERT_LE(floor[t], bytes[t]) << "seed " << seed << " instant " << t;
  }
}

}  // namespace
}  // namespace cinch::planner
