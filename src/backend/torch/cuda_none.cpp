// Where LibTorch has no CUDA.
#include "cinch/error.h"
#include "src/backend/torch/devices.h"

namespace cinch::backend {

const DeviceMemory& cuda_memory(c10::DeviceIndex) {
  throw Error("device cuda cannot be used: the LibTorch that cinch was built with has no CUDA");
}

c10::DeviceIndex current_cuda_index() { return cuda_memory(0).device().index(); }

}  // namespace cinch::backend
