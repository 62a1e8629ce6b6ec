// Values in deviations of their channel and back, as the lanes of a warp do it: four in a row, wherever channels
// change.
#pragma once

#include "src/codec/entropy_coded/channel_rules.h"
#include "src/codec/entropy_coded/warp_letters.h"
#include "src/codec/stage/channel_place.h"

namespace cinch::codec {

// Values themselves are quantised.
struct NoChannels {
  struct Row {
    CINCH_DEVICE_FN void to_deviations(int, float*) const {}
    CINCH_DEVICE_FN void from_deviations(int, float*) const {}
  };
  CINCH_DEVICE_FN Row row(int64_t) const { return {}; }
  template <class B, class Job, class State>
  CINCH_DEVICE_FN void settle(const B&, const Job&, State&) const {}
};

// Channels of a tensor and their sides.
struct TensorChannels {
  ChannelMap map;
  const StoredChannel* sides;

  // Values from one of the tensor on, of a chunk or a group. Lanes that look behind its end find some channel.
  struct Row {
    const TensorChannels& of;
    ChannelPlace begin;

    CINCH_DEVICE_FN void to_deviations(int element, float* x) const {
      each(element, [&](int i, const ChannelSteps& s) { x[i] = to_deviation(x[i], s); });
    }
    CINCH_DEVICE_FN void from_deviations(int element, float* x) const {
      each(element, [&](int i, const ChannelSteps& s) { x[i] = from_deviation(x[i], s); });
    }

   private:
    template <class F>
    CINCH_DEVICE_FN void each(int element, F f) const {
      ChannelPlace place = moved(of.map, begin, static_cast<uint32_t>(element));
      ChannelSteps steps{};
      bool other = true;
      CINCH_UNROLL
      for (int i = 0; i < kRun; ++i) {
        if (other) steps = channel_steps(of.sides[side_of(of.map, place)]);
        f(i, steps);
        other = advance(of.map, place);
      }
    }
  };
  CINCH_DEVICE_FN Row row(int64_t first) const { return {*this, channel_place(map, first)}; }
};

// A lane's values from element `element` of a row on, in deviations.
template <bool kPaired, class Row>
CINCH_DEVICE_FN LetterValues<kPaired> deviations_of(const Row& row, LetterValues<kPaired> x, int element) {
  CINCH_UNROLL
  for (int r = 0; r < LetterLanes<kPaired>::kRows; ++r) row.to_deviations(element + r * kColumns16, x.at[r]);
  return x;
}

}  // namespace cinch::codec
