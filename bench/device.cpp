#include "bench/device.h"

#include <torch/cuda.h>

#include <algorithm>
#include <charconv>

#include "cinch/error.h"
#include "src/backend/cuda/runtime.h"

namespace cinch::bench {
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

}  // namespace cinch::bench
