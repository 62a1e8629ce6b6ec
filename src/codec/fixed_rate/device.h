// group_quant on the GPU. Pointers are device memory, `stream` a cudaStream_t; calls return at once and never wait.
// Without CUDA each call throws CodecError.
#pragma once

#include "src/codec/fixed_rate/kernels.h"
#include "src/codec/stage/header.h"

namespace cinch::codec {

// Writes a whole payload: header, sides, codes, and the gap between them.
void device_encode(const void* in, const Header& header, const GroupQuantParams& params, std::byte* out,
                   uint32_t* poisoned, void* stream);
// Decodes the payload of `numel` values.
void device_decode(const std::byte* payload, int64_t numel, int bits, DType dtype, void* out, void* stream);
// Codes a payload of `from_bits` again; `header` is the new one.
void device_recode(const std::byte* payload, int from_bits, const Header& header, const GroupQuantParams& params,
                   std::byte* out, uint32_t* poisoned, void* stream);

}  // namespace cinch::codec
