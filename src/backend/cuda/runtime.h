// The GPU as far as code without CUDA headers may see it. Streams are opaque: a cudaStream_t as void*.
#pragma once

#include <cstdint>
#include <string>

namespace cinch::backend {

// Whether the kernels were built.
bool cuda_built() noexcept;
// Devices that can be used; 0 without a GPU, a driver, or the kernels.
int cuda_device_count() noexcept;
// Why there is no device, in one sentence; empty where there is one.
std::string cuda_problem();
// Makes a device the current one of this thread. Throws Error where there is no such device.
void use_cuda_device(int index);
// Name of the current device; empty where there is none.
std::string cuda_device_name();

}  // namespace cinch::backend
