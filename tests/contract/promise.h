// What a method promises of each value, whatever the values are.
#pragma once

#include <cstddef>
#include <span>
#include <stdexcept>

#include "cinch/codec.h"

namespace cinch::testing {

struct BrokenPromise : std::logic_error {
  using std::logic_error::logic_error;
};

// Throws BrokenPromise where `out` breaks the promise of `codec` for `in`, which it coded as `payload`.
void check_promise(const Codec& codec, const Extent& in, const SideInfo& side, std::span<const std::byte> payload,
                   const void* out);

}  // namespace cinch::testing
