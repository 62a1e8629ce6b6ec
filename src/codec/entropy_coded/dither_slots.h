// A payload in slots, as kernels write it, decoded on the CPU.
#pragma once

#include <span>
#include <string_view>

#include "cinch/codec.h"
#include "src/codec/entropy_coded/slots.h"

namespace cinch::codec {

// A chunk in the coarser form. False: it is not in one that its slot has room for.
bool decode_coarse_chunk(std::span<const std::byte> chunk, DType dtype, int64_t numel, void* out) noexcept;

void fill_with_nan(DType dtype, int64_t numel, void* out) noexcept;

// `h` is the payload's header, of numel > 0 and in slots. Throws CodecError for what is not sound.
void decode_dither_slots(std::string_view method, const CodecContext& context, const Header& h,
                         std::span<const std::byte> payload, void* out);

}  // namespace cinch::codec
