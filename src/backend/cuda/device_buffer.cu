#include "src/backend/cuda/device_buffer.h"

#include "src/backend/cuda/launch.cuh"

namespace cinch::backend {

DeviceBuffer::DeviceBuffer(int64_t bytes) : bytes_(bytes) {
  void* data = nullptr;
  if (bytes > 0) check_cuda(cudaMalloc(&data, static_cast<size_t>(bytes)), "device memory");
  data_ = static_cast<std::byte*>(data);
}

DeviceBuffer::DeviceBuffer(const void* from, int64_t bytes) : DeviceBuffer(bytes) {
  if (bytes > 0)
    check_cuda(cudaMemcpy(data_, from, static_cast<size_t>(bytes), cudaMemcpyHostToDevice), "copy to the device");
}

DeviceBuffer::~DeviceBuffer() { (void)cudaFree(data_); }

void DeviceBuffer::copy_to(void* to) const {
  if (bytes_ > 0)
    check_cuda(cudaMemcpy(to, data_, static_cast<size_t>(bytes_), cudaMemcpyDeviceToHost), "copy from the device");
}

void DeviceBuffer::copy_from(const DeviceBuffer& other) {
  const auto bytes = static_cast<size_t>(std::min(bytes_, other.bytes_));
  check_cuda(cudaMemcpyAsync(data_, other.data_, bytes, cudaMemcpyDeviceToDevice), "copy on the device");
}

}  // namespace cinch::backend
