// `mask`, `bits` and `int` on the GPU. Pointers are device memory, `stream` a cudaStream_t; calls return at once and
// never wait. Without CUDA each call throws CodecError.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cinch/dtype.h"
#include "cinch/need.h"
#include "src/codec/lossless/pool_windows.h"
#include "src/codec/stage/header.h"

namespace cinch::codec {

// Write a whole payload: header, plane, and for kSign the second plane with the gap before it.
void device_mask(const void* in, const Header& header, const Predicate& predicate, std::byte* out, void* stream);
void device_bits(const void* in, const Header& header, std::byte* out, void* stream);
// Writes `numel` patterns of `width` bytes as the payload's plane and, unless 0, its second plane at `second_offset`
// choose between the patterns in its header; between 0 and 1 for values of one byte.
void device_choose(const std::byte* payload, int64_t second_offset, int64_t numel, int64_t width, void* out,
                   void* stream);
// Writes a whole payload of max-pool indices, int32 or int64, as offsets of header.bits bits in their windows. Tiles
// with an index outside of its window are counted; such an index decodes to one inside.
void device_to_offsets(const void* in, const Header& header, const StoredPool& pool, std::byte* out, uint32_t* poisoned,
                       void* stream);
// Decodes the payload of `numel` offsets of `width` bits; the geometry is read from it on the device.
void device_from_offsets(const std::byte* payload, int64_t numel, int width, DType dtype, void* out, void* stream);

}  // namespace cinch::codec
