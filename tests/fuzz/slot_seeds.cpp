#include "tests/fuzz/slot_seeds.h"

#include <cmath>

#include "tests/contract/rows.h"
#include "tests/fuzz/input.h"
#include "tests/warp/dither_walk.h"

namespace cinch::fuzz {

std::vector<Seed> slot_seeds() {
  std::vector<Seed> seeds;
  const auto first = std::ranges::find_if(specs(), [](const CodecSpec& s) { return s.name == "dither"; });
  const auto spec = static_cast<uint8_t>(first - specs().begin());
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) {
    for (const int64_t numel : {int64_t{1}, int64_t{700}, int64_t{33'600}}) {
      for (const int64_t share : {1, 8, 16}) {  // of the bytes that values have
        for (const bool finite : {true, false}) {
          const testing::Buffer data =
              finite ? testing::activations(numel, 5, dtype, true)
                     : testing::floats(std::vector<double>(static_cast<size_t>(numel), NAN), dtype);
          const codec::Slots slots{numel, std::max(codec::Slots::kLeast, 256 * dtype_bytes(dtype) / share)};
          const testing::Buffer payload =
              testing::walk_dither_encode({data.data(), numel, dtype}, {1.0, false, slots}, 77);
          const Head head{spec, static_cast<uint8_t>(dtype), 0, 0, static_cast<uint32_t>(numel)};
          Seed seed{"slots_" + std::string(to_string(dtype)) + "_" + std::to_string(numel) + "_" +
                        std::to_string(share) + (finite ? "" : "_nan"),
                    {}};
          const auto bytes = std::as_bytes(std::span(&head, 1));
          seed.bytes.assign(bytes.begin(), bytes.end());
          seed.bytes.insert(seed.bytes.end(), payload.span().begin(), payload.span().end());
          seeds.push_back(std::move(seed));
        }
      }
    }
  }
  return seeds;
}

}  // namespace cinch::fuzz
