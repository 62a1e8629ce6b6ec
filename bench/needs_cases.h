// The calls with which `cinch-bench needs` checks the catalogue.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace cinch::bench {

using Tensor = at::Tensor;
using Tensors = std::vector<at::Tensor>;

// What a call gives: tensors to differentiate, and with respect to what.
struct Graph {
  Tensors outputs;
  Tensors inputs;
};

struct NeedsCase {
  std::string op;  // "aten::relu"
  // Slots in the order expected, each "name" or "name[variant]", separated by "; ". Variants "cpu" and "cuda", and
  // those of single versions of torch, go without saying.
  std::string saves;
  std::function<Graph(int64_t size, at::ScalarType)> call;
  std::vector<int64_t> sizes;
  std::vector<at::ScalarType> dtypes = {at::kFloat};
  bool second_order = true;                  // false: torch has no second derivative here
  bool linear_everywhere = true;             // false: `linear` holds in regions, or for small changes, only
  std::optional<c10::DeviceType> only = {};  // nullopt: on every device
};

NeedsCase only_on(c10::DeviceType device, NeedsCase c);

std::vector<NeedsCase> elementwise_cases();
std::vector<NeedsCase> layer_cases();
std::vector<NeedsCase> index_cases();
std::vector<NeedsCase> reduction_cases();
std::vector<NeedsCase> loss_cases();
// What exists on CUDA alone: fused kernels, cuDNN, the attention kernels.
std::vector<NeedsCase> cuda_cases();

// Where this thread's cases make their data: the CPU, except while an OnDevice lives.
c10::Device case_device();
class OnDevice {
 public:
  explicit OnDevice(c10::Device device);
  ~OnDevice();
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;
};

// Values are drawn on the CPU, so that every device gets the same ones.

// A leaf that needs a gradient: standard normal times `scale`.
Tensor leaf(at::IntArrayRef sizes, at::ScalarType dtype = at::kFloat, double scale = 1.0);
// The same without a gradient.
Tensor data(at::IntArrayRef sizes, at::ScalarType dtype = at::kFloat, double scale = 1.0);
// A leaf whose values include zeros of both signs, the given bounds with their neighbours, subnormals, infinities and,
// where `nan`, NaN.
Tensor edgy(int64_t size, at::ScalarType dtype, const std::vector<double>& bounds, bool nan);
// Uniform in [0, 1).
Tensor uniform(at::IntArrayRef sizes);
// Indices in [0, bound), and each of them once.
Tensor indices(at::IntArrayRef sizes, int64_t bound);
Tensor permutation(int64_t bound);

}  // namespace cinch::bench
