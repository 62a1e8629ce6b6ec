// Where CUDA was not built.
#include "cinch/error.h"
#include "src/backend/cuda/device_buffer.h"
#include "src/backend/cuda/runtime.h"

namespace cinch::backend {

bool cuda_built() noexcept { return false; }
int cuda_device_count() noexcept { return 0; }
std::string cuda_problem() { return "this cinch was built without CUDA"; }

DeviceBuffer::DeviceBuffer(int64_t) { throw Error("CUDA: " + cuda_problem()); }
DeviceBuffer::DeviceBuffer(const void*, int64_t bytes) : DeviceBuffer(bytes) {}
DeviceBuffer::~DeviceBuffer() = default;
void DeviceBuffer::copy_to(void*) const {}

}  // namespace cinch::backend
