// Lets codecs, which see no torch, use torch's threads.
#pragma once

#include "cinch/codec.h"

namespace cinch::backend {

// Runs over at::parallel_for: as many threads as torch uses, and the caller's alone inside a parallel region.
const Executor& torch_executor() noexcept;

}  // namespace cinch::backend
