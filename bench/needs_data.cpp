#include <cmath>
#include <limits>

#include "bench/needs_cases.h"

namespace cinch::bench {

Tensor data(at::IntArrayRef sizes, at::ScalarType dtype, double scale) {
  return (at::randn(sizes, at::kFloat) * scale).to(dtype);
}

Tensor leaf(at::IntArrayRef sizes, at::ScalarType dtype, double scale) {
  return data(sizes, dtype, scale).requires_grad_();
}

Tensor edgy(int64_t size, at::ScalarType dtype, const std::vector<double>& bounds, bool nan) {
  Tensor x = data({size}, dtype, 2.0);
  std::vector<Tensor> edges;
  const auto add = [&](double value) { edges.push_back(at::scalar_tensor(value, x.options())); };
  for (const double bound : bounds) {
    // The bound as this dtype holds it, and its neighbours there.
    const Tensor here = at::scalar_tensor(bound, x.options());
    edges.push_back(here);
    for (const double side : {-1.0, 1.0}) {
      const double ulp = dtype == at::kBFloat16 ? 0x1p-8
                         : dtype == at::kHalf   ? 0x1p-11
                         : dtype == at::kFloat  ? 0x1p-24
                                                : 0x1p-53;
      edges.push_back((here.to(at::kDouble) * (1 + side * 1.5 * ulp)).to(dtype));
    }
  }
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double value :
       {0.0, -0.0, infinity, -infinity, dtype == at::kHalf ? 6e-8 : 1e-40, dtype == at::kHalf ? -6e-8 : -1e-40})
    add(value);
  if (nan) add(std::numeric_limits<double>::quiet_NaN());
  // All of them several times where there is room, so that vector lanes and tails both meet them.
  const int64_t repeats = size < 64 ? 1 : 3;
  for (int64_t r = 0; r < repeats; ++r)
    for (size_t i = 0; i < edges.size(); ++i) {
      const int64_t at = (r * (size / repeats)) + static_cast<int64_t>(i);
      if (at < size) x[at].copy_(edges[i]);
    }
  return x.requires_grad_();
}

Tensor indices(at::IntArrayRef sizes, int64_t bound) { return at::randint(bound, sizes, at::kLong); }

}  // namespace cinch::bench
