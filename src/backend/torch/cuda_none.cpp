// Where LibTorch has no CUDA, or the CUDA runtime's headers were not there.
#include "cinch/error.h"
#include "src/backend/torch/devices.h"

namespace cinch::backend {

const DeviceMemory& cuda_memory(c10::DeviceIndex) {
  throw Error(
      "device cuda cannot be used: cinch was built without the CUDA runtime's headers (scripts/setup.sh --cuda), or "
      "with a LibTorch "
      "that has no CUDA");
}

c10::DeviceIndex current_cuda_index() { return cuda_memory(0).device().index(); }

}  // namespace cinch::backend
