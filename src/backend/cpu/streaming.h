// When kernels write past the caches.
#pragma once

#include <cstdint>

namespace cinch::backend {

// Whether `bytes` of output at `out` are written with streaming stores: what is larger than the last cache cannot be
// read from it afterwards, and need not be fetched into it first. Smaller outputs are faster without, and the backward
// that asked for them finds them there (docs/decisions.md). Not where `out` is not 64-byte aligned.
bool streams_out(const void* out, int64_t bytes) noexcept;

// From so many bytes on instead; negative: as usual again. For tests, while no codec runs.
void force_streaming_from(int64_t bytes) noexcept;

}  // namespace cinch::backend
