#include "examples/train/device.h"

#include <ATen/DeviceAccelerator.h>
#include <torch/cuda.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <charconv>
#include <climits>

#include "cinch/error.h"
#include "cinch/torch/meter.h"
#include "src/backend/cuda/runtime.h"

namespace cinch::train {
namespace {

// The number after "cuda:"; a device has at most 8 bits of it in torch.
int index_in(const std::string& text) {
  if (text == "cuda") return 0;
  const std::string digits = text.starts_with("cuda:") ? text.substr(5) : "";
  int index = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || index < 0)
    throw Error("--device is cpu, cuda or cuda:N, not '" + text + "'");
  return index;
}

// glibc hands memory that was freed back to the system and asks for it again, each step anew: up to 15 % of the step of
// a run without cinch went into that and far less of one with it (docs/decisions.md). Kept by both, steps compare
// coding.
void keep_freed_memory() {
#if defined(__GLIBC__)
  constexpr int kMostFromHeap = 32 << 20;  // the most that it allows; larger blocks are the system's
  mallopt(M_MMAP_THRESHOLD, kMostFromHeap);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
#endif
}

}  // namespace

void check_cuda_index(int index, int count) {
  if (index < count) return;
  throw Error("--device: there is no cuda:" + std::to_string(index) +
              ", the last one is cuda:" + std::to_string(count - 1));
}

c10::Device parse_device(const std::string& text) {
  if (text == "cpu") return c10::kCPU;
  const int index = index_in(text);
  const std::string problem = backend::cuda_problem();
  if (!problem.empty()) throw Error("--device " + text + ": " + problem);
  if (!torch::cuda::is_available()) throw Error("--device " + text + ": this LibTorch finds no GPU that it can use");
  check_cuda_index(index, std::min(static_cast<int>(torch::cuda::device_count()), 128));
  return {c10::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

c10::Device open_device(const std::string& text) {
  const c10::Device device = parse_device(text);
  if (device.is_cpu()) {
    keep_freed_memory();
  } else {
    at::accelerator::setDeviceIndex(device.index());
  }
  DeviceMeter::of(device);
  return device;
}

void synchronize(c10::Device device) {
  if (!device.is_cpu()) at::accelerator::synchronizeDevice(device.index());
}

void release_unused(c10::Device device) {
  if (device.is_cpu()) return;
  synchronize(device);
  at::accelerator::emptyCache();
}

}  // namespace cinch::train
