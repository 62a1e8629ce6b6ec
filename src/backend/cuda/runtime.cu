#include "src/backend/cuda/runtime.h"

#include "src/backend/cuda/launch.cuh"

namespace cinch::backend {

bool cuda_built() noexcept { return true; }

int cuda_device_count() noexcept {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  (void)cudaGetLastError();
  return 0;
}

std::string cuda_problem() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) return {};
  (void)cudaGetLastError();
  if (status == cudaErrorInsufficientDriver) {
    int driver = 0, runtime = 0;
    (void)cudaDriverGetVersion(&driver);
    (void)cudaRuntimeGetVersion(&runtime);
    const auto version = [](int v) { return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10); };
    if (driver == 0) return "there is no CUDA driver on this machine";
    return "the driver knows CUDA " + version(driver) + " and cinch needs " + version(runtime);
  }
  if (status == cudaSuccess) return "there is no CUDA device on this machine";
  return std::string("CUDA cannot be used: ") + cudaGetErrorString(status);
}

void use_cuda_device(int index) { check_cuda(cudaSetDevice(index), "the choice of a device"); }

std::string cuda_device_name() {
  int device = 0;
  cudaDeviceProp properties;
  if (cudaGetDevice(&device) == cudaSuccess && cudaGetDeviceProperties(&properties, device) == cudaSuccess)
    return properties.name;
  (void)cudaGetLastError();
  return {};
}

}  // namespace cinch::backend
