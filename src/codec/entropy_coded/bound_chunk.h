// One chunk of error_bound: levels, their differences from neighbours in the chunk, letters. What no letter holds is
// stored as its integer; behind those, places and values of what no level holds within the bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "src/codec/entropy_coded/bound_quantiser.h"
#include "src/codec/entropy_coded/neighbours.h"

namespace cinch::codec {

// The integers that letters are to hold, of a chunk or less.
class BoundIntegers {
 public:
  // `first`: of the tensor's values, the first one at `in`.
  BoundIntegers(const void* in, DType dtype, int64_t count, int64_t first, const BoundQuantiser& q, const Axes& axes)
      : in_(static_cast<const std::byte*>(in)), dtype_(dtype), count_(count), first_(first), q_(q), axes_(axes) {}
  // Those of `groups`, the next ones; all groups from 0 on in turn. Behind the last value they are what is likely.
  void add(int64_t group, int64_t groups) noexcept;
  const int16_t* data() const noexcept { return stages_[stages()]; }
  // Places of values that no level holds within the bound.
  std::span<const uint16_t> missed() const noexcept { return {missed_, static_cast<size_t>(missed_count_)}; }

 private:
  size_t stages() const noexcept { return q_.lorenzo ? axes_.all().size() : 0; }

  static constexpr int64_t kRoom = kValuesOfChunk + kLevelSlack;
  const std::byte* in_;
  DType dtype_;
  int64_t count_, first_, missed_count_ = 0;
  const BoundQuantiser& q_;
  const Axes& axes_;
  uint16_t missed_[kRoom];
  alignas(64) int16_t stages_[4][kRoom];  // levels, and after each axis
};

// `first`: of the tensor's values, the chunk's first one. Otherwise as of encode_chunk and decode_chunk.
int64_t encode_bound_chunk(const void* in, DType dtype, int64_t numel, int64_t first, const BoundQuantiser& quantiser,
                           const Axes& axes, const CodeTable& table, std::byte* out) noexcept;

// `stream`: write past the caches.
bool decode_bound_chunk(std::span<const std::byte> chunk, const std::byte* limit, int64_t numel, int64_t first,
                        const BoundQuantiser& quantiser, const Axes& axes, const DecodeTable& table, DType dtype,
                        void* out, bool stream) noexcept;

}  // namespace cinch::codec
