/// The device that a training runs on, as users name it: "cpu", "cuda" or "cuda:1".
#pragma once

#include <c10/core/Device.h>

#include <string>

namespace cinch::train {

/// Throws Error, one sentence: a device that cinch does not know, no GPU that can be used, an index out of range.
/// "cuda" alone is "cuda:0".
c10::Device parse_device(const std::string& text);

/// The rule about indices by itself, for machines without a GPU. Throws Error where there is no such GPU.
void check_cuda_index(int index, int count);

/// The same device, made current and with its meter installed: to be called before the first tensor is made there.
/// From the CPU's on the process keeps memory that it frees (glibc).
c10::Device open_device(const std::string& text);

/// Waits until everything that is queued on the device is done. Clocks are read after that.
void synchronize(c10::Device device);

/// Hands memory that torch keeps for later back to the device: what is over must not count against the limit to come.
void release_unused(c10::Device device);

}  // namespace cinch::train
