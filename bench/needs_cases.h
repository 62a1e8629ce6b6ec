// The calls with which `cinch-bench needs` checks the catalogue.
#pragma once

#include <torch/torch.h>

#include <functional>
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
  std::string op;     // "aten::relu"
  std::string saves;  // slots in the order expected, each "name" or "name[variant]", separated by "; "
  std::function<Graph(int64_t size, at::ScalarType)> call;
  std::vector<int64_t> sizes;
  std::vector<at::ScalarType> dtypes = {at::kFloat};
  bool second_order = true;       // false: torch has no second derivative here
  bool linear_everywhere = true;  // false: `linear` holds in regions, or for small changes, only
};

std::vector<NeedsCase> elementwise_cases();
std::vector<NeedsCase> layer_cases();
std::vector<NeedsCase> index_cases();
std::vector<NeedsCase> reduction_cases();
std::vector<NeedsCase> loss_cases();

// A leaf that needs a gradient: standard normal times `scale`.
Tensor leaf(at::IntArrayRef sizes, at::ScalarType dtype = at::kFloat, double scale = 1.0);
// The same without a gradient.
Tensor data(at::IntArrayRef sizes, at::ScalarType dtype = at::kFloat, double scale = 1.0);
// A leaf whose values include zeros of both signs, the given bounds with their neighbours, subnormals, infinities and,
// where `nan`, NaN.
Tensor edgy(int64_t size, at::ScalarType dtype, const std::vector<double>& bounds, bool nan);
// Indices in [0, bound).
Tensor indices(at::IntArrayRef sizes, int64_t bound);

}  // namespace cinch::bench
