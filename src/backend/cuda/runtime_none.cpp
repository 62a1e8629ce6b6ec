// Where CUDA was not built.
#include "cinch/error.h"
#include "src/backend/cuda/device_buffer.h"
#include "src/backend/cuda/device_timer.h"
#include "src/backend/cuda/runtime.h"

namespace cinch::backend {

bool cuda_built() noexcept { return false; }
int cuda_device_count() noexcept { return 0; }
std::string cuda_problem() { return "this cinch was built without CUDA"; }
void use_cuda_device(int) { throw Error("CUDA: " + cuda_problem()); }
std::string cuda_device_name() { return {}; }

DeviceBuffer::DeviceBuffer(int64_t) { throw Error("CUDA: " + cuda_problem()); }
DeviceBuffer::DeviceBuffer(const void*, int64_t bytes) : DeviceBuffer(bytes) {}
DeviceBuffer::~DeviceBuffer() = default;
void DeviceBuffer::copy_to(void*) const {}
void DeviceBuffer::copy_from(const DeviceBuffer&) {}

DeviceTimer::DeviceTimer() { throw Error("CUDA: " + cuda_problem()); }
DeviceTimer::~DeviceTimer() = default;
void DeviceTimer::start() {}
void DeviceTimer::stop() {}
double DeviceTimer::seconds() const { return 0; }

}  // namespace cinch::backend
