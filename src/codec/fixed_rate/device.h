// The fixed-rate codecs on the GPU. Pointers are device memory, `stream` a cudaStream_t; calls return at once and never
// wait. Without CUDA each call throws CodecError.
#pragma once

#include <span>

#include "src/codec/fixed_rate/average_layout.h"
#include "src/codec/fixed_rate/fixed_point_kernels.h"
#include "src/codec/fixed_rate/kernels.h"
#include "src/codec/fixed_rate/lfc_kernels.h"
#include "src/codec/fixed_rate/narrow_type.h"
#include "src/codec/stage/header.h"

namespace cinch::codec {

// group_quant. Writes a whole payload: header, sides, codes, and the gap between them.
void device_encode(const void* in, const Header& header, const GroupQuantParams& params, std::byte* out,
                   uint32_t* poisoned, void* stream);
// Decodes the payload of `numel` values.
void device_decode(const std::byte* payload, int64_t numel, int bits, DType dtype, void* out, void* stream);
// Codes a payload of `from_bits` again; `header` is the new one.
void device_recode(const std::byte* payload, int from_bits, const Header& header, const GroupQuantParams& params,
                   std::byte* out, uint32_t* poisoned, void* stream);
// With average_bits: `params` without bits.
void device_encode_average(const void* in, const Header& header, const AverageLayout& layout,
                           const GroupQuantParams& params, std::byte* out, uint32_t* poisoned, void* stream);
void device_decode_average(const std::byte* payload, const AverageLayout& layout, int64_t numel, DType dtype, void* out,
                           void* stream);

// cast: writes a whole payload; decodes the payload of `numel` values.
void device_cast_down(const void* in, const Header& header, Narrow to, std::byte* out, void* stream);
void device_cast_up(const std::byte* payload, Narrow from, int64_t numel, DType dtype, void* out, void* stream);

// fixed_point: writes a whole payload; decodes one, whose grid is read from it on the device.
void device_encode_channels(const void* in, const Header& header, const ChannelTensor& tensor, std::byte* out,
                            uint32_t* poisoned, void* stream);
void device_decode_channels(std::span<const std::byte> payload, int64_t numel, int bits, DType dtype, void* out,
                            void* stream);

// pool: the same, of a grid that is_mappable.
void device_pool(const void* in, const Header& header, const BlockTensor& tensor, std::byte* out, uint32_t* poisoned,
                 void* stream);
void device_unpool(std::span<const std::byte> payload, int64_t edge, int64_t numel, DType dtype, void* out,
                   void* stream);

// lfc: the same.
void device_encode_lfc(const void* in, const Header& header, const BlockTensor& tensor, int bits, uint64_t key,
                       std::byte* out, uint32_t* poisoned, void* stream);
void device_decode_lfc(std::span<const std::byte> payload, int64_t edge, int64_t numel, int bits, DType dtype,
                       void* out, void* stream);

}  // namespace cinch::codec
