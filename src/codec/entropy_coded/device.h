// dither and error_bound on the GPU. Pointers are device memory, `stream` a cudaStream_t; calls return at once and
// never wait. Without CUDA each call throws CodecError.
#pragma once

#include <span>

#include "src/codec/entropy_coded/bound_rules.h"
#include "src/codec/entropy_coded/slots.h"

namespace cinch::codec {

struct DeviceCounters {
  uint32_t *poisoned, *coarsened;  // of CodecContext
};

// Writes a whole payload in slots. `channels`: the grid of those that are told apart, for whose sides the slots leave
// room; null: none are.
void device_dither_encode(const void* in, DType dtype, const Slots& slots, double step_sigma, const Grid* channels,
                          uint64_t key, std::byte* out, const DeviceCounters& counters, void* stream);
// Decodes one in which no channels are told apart, or one that says itself whether they are.
void device_dither_decode(const std::byte* payload, const Slots& slots, DType dtype, void* out, void* stream);
void device_dither_channels_decode(std::span<const std::byte> payload, int64_t numel, DType dtype, void* out,
                                   void* stream);

// error_bound, and dither where neighbours predict. The grid is as the header has it (grid_in_header).
void device_bound_encode(const void* in, DType dtype, const Slots& slots, const BoundAim& aim, const Grid& grid,
                         uint64_t key, std::byte* out, const DeviceCounters& counters, void* stream);
void device_bound_decode(const std::byte* payload, const Slots& slots, DType dtype, void* out, void* stream);

}  // namespace cinch::codec
