#include "bench/planner_instances.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

namespace cinch::bench {
namespace {

// The standard distributions differ from library to library.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  double unit() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  int between(int lowest, int highest) { return lowest + static_cast<int>(unit() * (highest - lowest + 1)); }
  bool one_in(int n) { return between(1, n) == 1; }
  /// As many between 1 and 2 as between 2 and 4.
  double geometric(double lowest, double highest) { return lowest * std::pow(highest / lowest, unit()); }

 private:
  std::mt19937_64 engine_;
};

std::vector<Option> options_of(Dice& dice, const PayloadProfile& payload, int count, double sensitivity) {
  const auto raw = static_cast<double>(payload.raw_bytes);
  const double seconds = raw / dice.geometric(4e9, 16e9);
  std::vector<Option> options{{{"keep", {}}, payload.raw_bytes, 0, 0, true}};
  const auto add = [&](CodecSpec spec, double bytes, double noise, double cost, bool lossless) {
    if (static_cast<int>(options.size()) < count)
      options.push_back({std::move(spec), static_cast<int64_t>(bytes), noise, cost, lossless});
  };
  if (dice.one_in(20)) {
    add({"mask", {}}, raw / 32, 0, seconds * 0.5, true);
    for (int i = 1; static_cast<int>(options.size()) < count; ++i)
      add({"zero_mask", {{"block", int64_t{i}}}}, raw * (0.3 + 0.02 * i), 0, seconds * (1 + 0.01 * i), true);
    return options;
  }
  // The host pool is for few.
  if (dice.one_in(12)) add({"offload", {}}, 0, 0, raw / 6e9, true);
  if (dice.one_in(3)) add({"lossless", {}}, raw * dice.geometric(0.5, 0.95), 0, seconds * 2, true);
  // Methods with widths of their own: the same bits differ in bytes, noise and seconds from method to method.
  const char* methods[] = {"group_quant", "dither", "fixed_point"};
  const int left = count - static_cast<int>(options.size());
  for (int i = 0; i < left; ++i) {
    const int method = i % 3, steps = (left + 2) / 3;
    const double bits = 1.0 + 7.0 * (i / 3) / std::max(1, steps - 1) + 0.4 * method + 0.2 * dice.unit();
    const double bytes = raw * bits / 32 * (method == 1 ? 0.8 : 1.05);
    add({methods[method], {{"step", int64_t{i}}}}, bytes,
        sensitivity * std::exp2(-2 * bits) * (0.7 + 0.6 * dice.unit()),
        seconds * (method == 1 ? 2.0 : 0.7) * (0.8 + 0.4 * dice.unit()), false);
  }
  return options;
}

PayloadProfile payload_of(Dice& dice, const PlannerShape& shape, int index) {
  const int half = shape.instants / 2;
  PayloadProfile payload;
  payload.sites = {index};
  payload.numel = static_cast<int64_t>(dice.geometric(16e3, 8e6));
  payload.raw_bytes = 4 * payload.numel;
  const int place = static_cast<int>(static_cast<int64_t>(index) * half / shape.payloads);
  payload.saved_at = place;
  payload.exclusive_at = std::min(half - 1, place + (dice.one_in(10) ? dice.between(2, 12) : dice.between(0, 1)));
  const int use = shape.instants - 1 - place;
  payload.uses = {{use, use}};
  if (dice.one_in(10) && use - 3 > half) payload.uses.insert(payload.uses.begin(), {use - 3, use - 2});
  payload.freed_at = use;
  return payload;
}

}  // namespace

Profile planner_profile(uint64_t seed, const PlannerShape& shape) {
  Dice dice(seed);
  Profile profile;
  profile.cinch_version = profile.torch_version = "none";
  profile.device = "cpu";
  profile.fingerprint = std::to_string(seed);
  profile.parameters_bytes = profile.gradients_bytes = INT64_C(200) << 20;
  profile.device_bytes = INT64_C(80) << 30;
  std::vector<int64_t> bytes(static_cast<size_t>(shape.instants), profile.parameters_bytes + profile.gradients_bytes);
  for (int64_t& b : bytes) b += static_cast<int64_t>(dice.geometric(1 << 16, 64 << 20));
  for (int i = 0; i < shape.payloads; ++i) {
    PayloadProfile payload = payload_of(dice, shape, i);
    payload.options = options_of(dice, payload, shape.options, dice.geometric(1e-3, 3.0) / shape.payloads);
    for (int t = payload.saved_at; t <= payload.freed_at; ++t) bytes[static_cast<size_t>(t)] += payload.raw_bytes;
    SiteProfile site;
    site.name = "layer." + std::to_string(i) + "/op#0:input";
    site.layer = "layer." + std::to_string(i);
    site.op = "op";
    site.slot = "input";
    site.need = Need::kLinear;
    site.sizes = {payload.numel};
    site.payload = i;
    profile.sites.push_back(std::move(site));
    profile.payloads.push_back(std::move(payload));
  }
  for (const int64_t b : bytes) profile.timeline.emplace_back().bytes = b;
  return profile;
}

Profile small_planner_profile(uint64_t seed) {
  Dice dice(seed ^ 0x5eed);
  PlannerShape shape;
  shape.payloads = dice.between(5, 6);
  shape.options = dice.between(4, 5);
  shape.instants = 2 * dice.between(6, 10);
  return planner_profile(seed, shape);
}

}  // namespace cinch::bench
