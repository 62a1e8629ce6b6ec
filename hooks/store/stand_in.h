// Storage for tensors whose values nobody reads: address space that the system backs with its one page of zeros.
#pragma once

#include <c10/core/Storage.h>

#include <cstdint>

namespace cinch::hooks {

// At least `bytes` long, zeros, no physical memory while only read. Shared by all stand-ins; lives as long as the
// process. Sizes and strides of a stand-in are thus the real ones (some backwards read them), at no cost.
c10::Storage stand_in_storage(int64_t bytes);

}  // namespace cinch::hooks
