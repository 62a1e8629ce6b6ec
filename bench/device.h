/// The device that a suite measures on, as users name it: "cpu", "cuda" or "cuda:1".
#pragma once

#include <c10/core/Device.h>

#include <string>

namespace cinch::bench {

/// Throws Error, one sentence: a device that cinch does not know, no GPU that can be used, an index out of range.
/// "cuda" alone is "cuda:0".
c10::Device parse_device(const std::string& text);

/// The rule about indices by itself, for machines without a GPU. Throws Error where there is no such GPU.
void check_cuda_index(int index, int count);

}  // namespace cinch::bench
