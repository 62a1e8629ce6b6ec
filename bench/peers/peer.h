// Compressors that others know, on the same float32 values as ours: zfp at a fixed accuracy (Lindstrom, TVCG 2014) and
// blosc, lossless. Each is built in where its library is found; elsewhere its factory gives null. No torch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>

#include "bench/codec_timing.h"

namespace cinch::bench {

// One thread. Settings are fixed when it is made; calls allocate what the library allocates.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual nlohmann::json spec() const = 0;  // {"name": "zfp", ...}
  virtual bool lossless() const = 0;
  virtual int64_t room_bytes() const = 0;                                 // of any values
  virtual int64_t encode(const float* in, std::span<std::byte> out) = 0;  // throws Error where the library fails
  virtual void decode(std::span<const std::byte> in, float* out) = 0;
};

// Errors are at most `tolerance`, absolute; zfp rounds it down to a power of two and is careful beyond that. As one,
// two or three dimensions of the grid, neighbours of which are next to each other: whichever takes fewest bytes of
// `values`.
std::unique_ptr<Peer> make_zfp(std::span<const float> values, const std::optional<Grid>& grid, double tolerance);

// Bitshuffle and LZ4 at level 5.
std::unique_ptr<Peer> make_blosc(int64_t numel);

// What is missing, in a sentence each; empty: nothing.
std::string missing_peers();

// Estimate, threads and entropy stay as they are. Verified: decodes to the same twice, and lossless where it is said to
// be.
CodecTiming time_peer(Peer& peer, std::span<const float> values, int rounds);

}  // namespace cinch::bench
