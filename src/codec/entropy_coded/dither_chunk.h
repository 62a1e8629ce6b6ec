// One chunk of dither: its letters are the quantised values themselves, its raw values floats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "src/codec/entropy_coded/channels.h"
#include "src/codec/entropy_coded/chunk.h"
#include "src/codec/entropy_coded/letters.h"

namespace cinch::codec {

// What all chunks of a tensor share.
struct DitherTensor {
  DType dtype;
  const Quantiser& quantiser;
  const Channels* channels = nullptr;  // null: values themselves are quantised, not their deviations
};

// `first`: the group of the chunk's first value in the tensor. Otherwise as of encode_chunk and decode_chunk.
int64_t encode_dither_chunk(const void* in, const DitherTensor& tensor, int64_t numel, int64_t first,
                            const CodeTable& table, std::byte* out) noexcept;

// `stream`: write past the caches.
bool decode_dither_chunk(std::span<const std::byte> chunk, const std::byte* limit, const DitherTensor& tensor,
                         int64_t numel, int64_t first, const DecodeTable& table, void* out, bool stream) noexcept;

}  // namespace cinch::codec
