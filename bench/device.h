/// The device that a suite measures on, as users name it: "cpu", "cuda" or "cuda:1". One rule for both programs.
#pragma once

#include "examples/train/device.h"

namespace cinch::bench {

using train::check_cuda_index;
using train::parse_device;

}  // namespace cinch::bench
