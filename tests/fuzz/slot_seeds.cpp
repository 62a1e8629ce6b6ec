#include "tests/fuzz/slot_seeds.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "tests/contract/rows.h"
#include "tests/fuzz/input.h"
#include "tests/warp/bound_walk_cases.h"
#include "tests/warp/dither_walk.h"

namespace cinch::fuzz {
namespace {

// Number of the first row like that.
template <class Like>
uint8_t row_of(Like&& like) {
  const auto row = std::ranges::find_if(specs(), like);
  if (row == specs().end()) throw std::logic_error("no such row of specs()");
  return static_cast<uint8_t>(row - specs().begin());
}

Seed seed_of(std::string name, uint8_t spec, const Extent& in, const testing::Buffer& payload) {
  const Head head{spec, static_cast<uint8_t>(in.dtype), 0, 0, static_cast<uint32_t>(in.numel)};
  Seed seed{std::move(name), {}};
  const auto bytes = std::as_bytes(std::span(&head, 1));
  seed.bytes.assign(bytes.begin(), bytes.end());
  seed.bytes.insert(seed.bytes.end(), payload.span().begin(), payload.span().end());
  return seed;
}

// Of one tensor, in slots of so many bytes a group of values.
void add_seeds(const std::string& name, const Extent& in, int64_t group_bytes, std::vector<Seed>& seeds) {
  const uint8_t dither = row_of([](const CodecSpec&s) { return s.name == "dither"; }),
                bound = row_of([](const CodecSpec&s) { return s.name == "error_bound"; }),
                lorenzo = row_of([](const CodecSpec&s) { return s.get_string("predict", "") == "lorenzo"; });
  const codec::Slots slots{in.numel, group_bytes};
  seeds.push_back(seed_of("slots_" + name, dither, in, testing::walk_dither_encode(in, {1.0, false, slots}, 77)));
  using enum codec::BoundUnit;
  const auto walked = [&](const testing::BoundCase& c) {
    return testing::walk_bound_encode(in, c.walk({}, in.numel, in.dtype), testing::bound_key());
  };
  seeds.push_back(
      seed_of("bound_slots_" + name, bound, in, walked({.bound = 0.01, .unit = kRange, .group_bytes = group_bytes})));
  seeds.push_back(seed_of("lorenzo_slots_" + name, lorenzo, in,
                          walked({.bound = 0.5, .unit = kDeviation, .dithered = true, .group_bytes = group_bytes})));
}

}  // namespace

std::vector<Seed> slot_seeds() {
  std::vector<Seed> seeds;
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) {
    for (const int64_t numel : {int64_t{1}, int64_t{700}, int64_t{33'600}}) {
      for (const int64_t share : {1, 8, 16}) {  // of the bytes that values have
        for (const bool finite : {true, false}) {
          const testing::Buffer data =
              finite ? testing::activations(numel, 5, dtype, true)
                     : testing::floats(std::vector<double>(static_cast<size_t>(numel), NAN), dtype);
          add_seeds(std::string(to_string(dtype)) + "_" + std::to_string(numel) + "_" + std::to_string(share) +
                        (finite ? "" : "_nan"),
                    {data.data(), numel, dtype}, std::max(codec::Slots::kLeast, 256 * dtype_bytes(dtype) / share),
                    seeds);
        }
      }
    }
  }
  return seeds;
}

}  // namespace cinch::fuzz
