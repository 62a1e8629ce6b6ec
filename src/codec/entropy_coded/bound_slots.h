// A payload of error_bound, and of dither where neighbours predict, as kernels write it: slots behind 64 bytes of
// sides, which hold the key of the draws and the bound. README.md draws it.
#pragma once

#include <span>
#include <string_view>

#include "cinch/codec.h"
#include "src/codec/entropy_coded/bound_rules.h"
#include "src/codec/entropy_coded/slots.h"

namespace cinch::codec {

constexpr int64_t kBoundSides = 64;

// Header::kind of a tensor that no levels could be fitted to, which the CPU would have declined: its chunks are stored
// as they are, or lost where their slots are too small for that.
constexpr uint8_t kNoLevels = 16;

// Slots that hold every value within the bound, as far as that is known before the data is; README.md says when.
Slots bound_slots(int64_t numel, DType dtype, const BoundAim& aim) noexcept;

// The payload's slots follow from its length.
constexpr Slots bound_slots_of(int64_t bytes, int64_t numel) noexcept { return slots_of(bytes, numel, kBoundSides); }

// `h` is the header of a payload of numel > 0 in slots, and was checked. Throws CodecError for what is not sound.
void decode_bound_slots(std::string_view method, const CodecContext& context, const Header& h,
                        std::span<const std::byte> payload, const BoundQuantiser& q, const Grid& grid, void* out);

}  // namespace cinch::codec
