// The part of a tensor that a trial codes: small enough to be quick, whole in what methods look at.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

#include "cinch/codec.h"

namespace cinch::codec {

// Aligned as payloads and outputs must be.
class TrialMemory {
 public:
  explicit TrialMemory(int64_t bytes)
      : bytes_(bytes), data_(static_cast<std::byte*>(::operator new(static_cast<size_t>(bytes), kAlignment))) {}
  std::byte* data() const noexcept { return data_.get(); }
  std::span<std::byte> span() const noexcept { return {data_.get(), static_cast<size_t>(bytes_)}; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Delete {
    void operator()(std::byte* p) const noexcept { ::operator delete(p, kAlignment); }
  };
  int64_t bytes_;
  std::unique_ptr<std::byte, Delete> data_;
};

struct TrialSample {
  TrialMemory memory;
  Extent values;
  SideInfo side;
};

// `in` has more values than `max_samples`, which is positive. Which ones is a hash: the same for the same sizes.
// Without a grid, since the values are not one.
TrialSample sample_groups(const Extent& in, const SideInfo& side, int64_t max_samples);
// Of the side's grid, which is one of in.numel values: maps or pieces of them, each from an image, a channel and a
// place of its own. What is in one image or channel alone is met by few of them.
TrialSample sample_maps(const Extent& in, const SideInfo& side, int64_t max_samples);
// The same channels of several images, for methods that look at a channel's values in all of them.
TrialSample sample_channels(const Extent& in, const SideInfo& side, int64_t max_samples);

}  // namespace cinch::codec
