/// What `cinch-bench codec` measures on a GPU: each codec with a kernel on made-up buffers of 64 KiB to 256 MiB.
#pragma once

#include "bench/suite.h"

namespace cinch::bench {

/// On the GPU with this index. Throws Error where there is none. `quick`: two sizes, one call each.
SuiteResult run_codec_on_device(int index, bool quick);

}  // namespace cinch::bench
