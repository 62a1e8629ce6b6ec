// What error_bound needs to know of its tensor before the first value is coded, from a sample: levels, whether
// neighbours predict them, the range of symbols and the prefix code.
#pragma once

#include <optional>

#include "src/codec/entropy_coded/bound_chunk.h"
#include "src/codec/entropy_coded/fit.h"

namespace cinch::codec {

enum class Predict { kAuto, kNone, kLorenzo };

// What a bound is a share of: nothing, (largest - smallest) of the sample, its standard deviation.
enum class BoundUnit { kAbsolute, kRange, kDeviation };

struct BoundAim {
  double bound = 0.01;
  BoundUnit unit = BoundUnit::kRange;
  Predict predict = Predict::kAuto;
  bool dithered = false;
};

// Distance of levels that keep a bound: less than twice the bound by what is rounded of most values, here and to the
// dtype. Values at the edges of cells would be missed otherwise.
double level_step(double bound, double mean, double sigma, DType dtype) noexcept;

struct BoundFit {
  BoundQuantiser quantiser;
  Code code;  // its bits_of_value holds what missed values cost as well
};

// `numel` > 0. nullopt: nothing finite, a bound that float32 cannot work with, or one so fine that values stored as
// they are take no more. `key`: of draws, where the aim is to be dithered.
std::optional<BoundFit> fit_bound(const void* in, DType dtype, int64_t numel, const Grid& grid, const BoundAim& aim,
                                  uint64_t key);

}  // namespace cinch::codec
