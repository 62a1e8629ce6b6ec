#include "src/backend/torch/cuda/stand_in.h"

#include <cuda.h>
#include <cuda_runtime_api.h>

#include <algorithm>

namespace cinch::backend {
namespace {

// The driver's functions, asked for by name: nothing of cinch links to the driver, so that programs start without one.
template <class Function>
Function* driver_function(const char* name) {
  constexpr unsigned kSince = 12000;
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found{};
  if (cudaGetDriverEntryPointByVersion(name, &function, kSince, cudaEnableDefault, &found) != cudaSuccess ||
      found != cudaDriverEntryPointSuccess) {
    (void)cudaGetLastError();
    return nullptr;
  }
  return reinterpret_cast<Function*>(function);
}

struct Driver {
  decltype(cuDeviceGetAttribute)* attribute = driver_function<decltype(cuDeviceGetAttribute)>("cuDeviceGetAttribute");
  decltype(cuMemGetAllocationGranularity)* granularity =
      driver_function<decltype(cuMemGetAllocationGranularity)>("cuMemGetAllocationGranularity");
  decltype(cuMemCreate)* create = driver_function<decltype(cuMemCreate)>("cuMemCreate");
  decltype(cuMemAddressReserve)* reserve = driver_function<decltype(cuMemAddressReserve)>("cuMemAddressReserve");
  decltype(cuMemAddressFree)* give_back = driver_function<decltype(cuMemAddressFree)>("cuMemAddressFree");
  decltype(cuMemMap)* map = driver_function<decltype(cuMemMap)>("cuMemMap");
  decltype(cuMemUnmap)* unmap = driver_function<decltype(cuMemUnmap)>("cuMemUnmap");
  decltype(cuMemSetAccess)* access = driver_function<decltype(cuMemSetAccess)>("cuMemSetAccess");
  bool complete() const { return attribute && granularity && create && reserve && give_back && map && unmap && access; }
};

const Driver& driver() {
  static const Driver instance;
  return instance;
}

CUmemLocation location(c10::DeviceIndex device) {
  CUmemLocation where{};
  where.type = CU_MEM_LOCATION_TYPE_DEVICE;
  where.id = device;
  return where;
}

}  // namespace

bool StandIns::prepare(c10::DeviceIndex device) {
  int can = 0;
  if (!driver().complete() ||
      driver().attribute(&can, CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED, device) != CUDA_SUCCESS ||
      can == 0)
    return false;
  CUmemAllocationProp kind{};
  kind.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  kind.location = location(device);
  if (driver().granularity(&piece_bytes_, &kind, CU_MEM_ALLOC_GRANULARITY_MINIMUM) != CUDA_SUCCESS) return false;
  CUmemGenericAllocationHandle piece = 0;
  if (driver().create(&piece, piece_bytes_, &kind, 0) != CUDA_SUCCESS) return false;
  piece_ = piece;
  return true;
}

bool StandIns::grow(c10::DeviceIndex device, size_t bytes) {
  // Twice as much each time, so that few regions are left behind.
  const size_t wanted = (std::max(bytes, 2 * region_bytes_) + piece_bytes_ - 1) / piece_bytes_ * piece_bytes_;
  CUdeviceptr start = 0;
  if (driver().reserve(&start, wanted, 0, 0, 0) != CUDA_SUCCESS) return false;
  size_t mapped = 0;
  bool good = true;
  while (good && mapped < wanted) {
    good = driver().map(start + mapped, piece_bytes_, 0, piece_, 0) == CUDA_SUCCESS;
    mapped += good ? piece_bytes_ : 0;
  }
  CUmemAccessDesc access{};
  access.location = location(device);
  access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
  good = good && driver().access(start, wanted, &access, 1) == CUDA_SUCCESS;
  if (!good) {
    for (size_t at = 0; at < mapped; at += piece_bytes_) driver().unmap(start + at, piece_bytes_);
    driver().give_back(start, wanted);
    return false;
  }
  region_ = reinterpret_cast<void*>(start);
  region_bytes_ = wanted;
  return true;
}

void* StandIns::cover(c10::DeviceIndex device, int64_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!asked_) {
    asked_ = true;
    supported_ = prepare(device);
  }
  if (!supported_) return nullptr;
  const auto wanted = static_cast<size_t>(bytes);
  if (region_bytes_ < wanted && !grow(device, wanted)) return nullptr;
  return region_;
}

}  // namespace cinch::backend
