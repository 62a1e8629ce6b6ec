// Walks of error_bound's kernels beside the CPU codec.
#pragma once

#include <cmath>

#include "tests/contract/rows.h"
#include "tests/warp/bound_walk.h"
#include "tests/warp/slot_chunks.h"

namespace cinch::testing {

inline const CodecContext kBoundContext{7, 8, 9, &serial_executor(), nullptr};
inline uint64_t bound_key() { return codec::rng_key(kBoundContext, codec::kBoundMagic); }

struct BoundCase {
  double bound;
  codec::BoundUnit unit;
  codec::Predict predict = codec::Predict::kAuto;
  bool dithered = false;
  bool spread = false;
  int64_t group_bytes = 0;  // 0: slots in which every chunk fits

  codec::BoundAim aim() const { return {bound, unit, predict, dithered}; }
  std::shared_ptr<const Codec> codec() const {
    using enum codec::Predict;
    if (dithered) return make_codec({"dither", {{"step_sigma", 2 * bound}, {"predict", std::string("lorenzo")}}});
    const std::string name = predict == kNone ? "none" : predict == kLorenzo ? "lorenzo" : "auto";
    const bool relative = unit == codec::BoundUnit::kRange;
    return make_codec({"error_bound", {{"bound", bound}, {"relative", relative}, {"predict", name}}});
  }
  std::string text() const {
    return to_string(codec()->spec()) + (group_bytes > 0 ? ", " + std::to_string(group_bytes) + " bytes a group" : "");
  }
  codec::Slots slots(int64_t n, DType dtype) const {
    return {n, group_bytes > 0 ? group_bytes : codec::kLetterGroup * dtype_bytes(dtype), codec::kBoundSides};
  }
  BoundWalk walk(const SideInfo& side, int64_t n, DType dtype) const {
    return {aim(), codec::grid_in_header(codec::checked_grid("error_bound", side, n)), spread, slots(n, dtype)};
  }
};

inline bool same_values_or_nan(const Buffer& a, const Buffer& b, int64_t n, DType dtype) {
  for (int64_t i = 0; i < n; ++i) {
    const double x = float_at(a.data(), i, dtype), y = float_at(b.data(), i, dtype);
    if (!(x == y && std::signbit(x) == std::signbit(y)) && !(std::isnan(x) && std::isnan(y))) {
      ADD_FAILURE() << "value " << i << " of " << n << ": " << x << " and " << y;
      return false;
    }
  }
  return true;
}

// The walk's payload is the CPU's chunk by chunk, and both decode it, and the CPU's, to the same. Returns how many
// chunks have another form than the CPU's. What the CPU declines is walked all the same.
inline int64_t expect_bound_walks(const Extent& in, const SideInfo& side, const BoundCase& c,
                                  Counted* counted = nullptr) {
  const auto codec = c.codec();
  const auto packed = encode(*codec, in, side, kBoundContext);
  const Buffer payload = walk_bound_encode(in, c.walk(side, in.numel, in.dtype), bound_key(), counted);
  const Buffer walked = walk_bound_decode(payload, in.numel, in.dtype);
  const Buffer decoded = decode(*codec, payload, in.numel, in.dtype, kBoundContext);
  EXPECT_TRUE(same_values_or_nan(walked, decoded, in.numel, in.dtype));
  if (!packed) return 0;
  const int64_t others = expect_same_bound_chunks(payload, *packed);
  if (others == 0) {
    EXPECT_TRUE(walked == decode(*codec, *packed, in.numel, in.dtype, kBoundContext));
  }
  return others;
}

}  // namespace cinch::testing
