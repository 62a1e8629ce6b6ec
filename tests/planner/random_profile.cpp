#include "tests/planner/random_profile.h"

#include <algorithm>
#include <cmath>

#include "planner/simulate.h"

namespace cinch::planner::testing {
namespace {

using Generator = std::mt19937_64;

// The standard distributions differ from library to library.
int64_t between(Generator& g, int64_t lowest, int64_t highest) {
  return lowest + static_cast<int64_t>(g() % static_cast<uint64_t>(highest - lowest + 1));
}
double unit(Generator& g) { return static_cast<double>(g() >> 11) * 0x1p-53; }

std::vector<Option> random_options(Generator& g, int64_t raw, int most, double sensitivity) {
  std::vector<Option> options(1);
  options[0].charged_bytes = raw;
  const auto kind = between(g, 0, 9);
  if (kind == 0) {
    options.push_back({{"mask", {}}, raw / 32 + 64, 0, 1e-4, true});
  } else if (kind == 1) {
    options.push_back({{"shape", {}}, 0, 0, 0, true});
  } else {
    const int lossy = static_cast<int>(between(g, most > 3 ? 2 : 1, most - 1));
    for (int i = 0; i < lossy; ++i) {
      const double bits = 0.5 + 12 * unit(g);
      const auto bytes = static_cast<int64_t>(static_cast<double>(raw) * bits / 32);
      options.push_back({{"group_quant", {{"bits", int64_t{i}}}},
                         bytes,
                         sensitivity * std::exp2(-2 * bits) * (0.5 + unit(g)),
                         1e-4 * (1 + unit(g)),
                         false});
    }
  }
  return options;
}

}  // namespace

Profile random_profile(uint64_t seed, const RandomShape& shape) {
  Generator g(seed);
  Profile profile;
  profile.cinch_version = "test";
  profile.torch_version = "none";
  profile.device = "cpu";
  profile.fingerprint = std::to_string(seed);
  profile.parameters_bytes = 40'000;
  profile.gradients_bytes = 40'000;
  profile.device_bytes = 1 << 30;
  const int instants = shape.instants > 0 ? shape.instants : 2 * shape.payloads;
  const int half = instants / 2;
  std::vector<int64_t> bytes(static_cast<size_t>(instants), 100'000);
  for (int64_t& b : bytes) b += between(g, 0, 30'000);
  for (int i = 0; i < shape.payloads; ++i) {
    PayloadProfile payload;
    payload.sites = {i};
    payload.numel = between(g, 500, 20'000);
    payload.raw_bytes = 4 * payload.numel;
    const auto place = static_cast<int32_t>(static_cast<int64_t>(i) * half / shape.payloads);
    payload.saved_at = place;
    payload.exclusive_at = static_cast<int32_t>(std::min<int64_t>(half, place + between(g, 0, 2)));
    const int32_t use = instants - 1 - place;
    payload.uses = {{use, use}};
    payload.freed_at = use;
    if (shape.irregular) {
      payload.saved_at = static_cast<int32_t>(between(g, 0, instants - 2));
      payload.freed_at = static_cast<int32_t>(between(g, payload.saved_at + 1, instants - 1));
      payload.exclusive_at = static_cast<int32_t>(between(g, payload.saved_at, payload.freed_at));
      if (between(g, 0, 7) == 0) payload.exclusive_at = -1;
      payload.uses.clear();
      for (auto n = between(g, 0, 3); n > 0; --n) {
        const auto begin = static_cast<int32_t>(between(g, payload.saved_at, payload.freed_at));
        payload.uses.push_back({begin, static_cast<int32_t>(between(g, begin, payload.freed_at))});
      }
    }
    payload.options = random_options(g, payload.raw_bytes, shape.options, std::exp2(-8 * unit(g)) / shape.payloads);
    if (payload.exclusive_at < 0) payload.options.resize(1);
    for (int32_t t = payload.saved_at; t <= payload.freed_at; ++t) bytes[static_cast<size_t>(t)] += payload.raw_bytes;
    SiteProfile site;
    site.name = "layer." + std::to_string(i) + "/op#0:input";
    site.layer = "layer." + std::to_string(i);
    site.op = "op";
    site.slot = "input";
    site.need = Need::kLinear;
    site.sizes = {payload.numel};
    site.payload = i;
    profile.sites.push_back(site);
    profile.payloads.push_back(payload);
  }
  for (int64_t b : bytes) profile.timeline.emplace_back().bytes = b;
  return profile;
}

}  // namespace cinch::planner::testing
