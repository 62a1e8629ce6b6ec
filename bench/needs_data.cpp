#include <cmath>
#include <limits>

#include "bench/needs_cases.h"

namespace cinch::bench {
namespace {

thread_local c10::Device device_of_cases = c10::kCPU;

Tensor on_device(const Tensor& tensor) { return tensor.to(device_of_cases); }

Tensor normal_on_cpu(at::IntArrayRef sizes, at::ScalarType dtype, double scale) {
  return (at::randn(sizes, at::kFloat) * scale).to(dtype);
}

}  // namespace

NeedsCase only_on(c10::DeviceType device, NeedsCase c) {
  c.only = device;
  return c;
}

c10::Device case_device() { return device_of_cases; }
OnDevice::OnDevice(c10::Device device) { device_of_cases = device; }
OnDevice::~OnDevice() { device_of_cases = c10::kCPU; }

Tensor data(at::IntArrayRef sizes, at::ScalarType dtype, double scale) {
  return on_device(normal_on_cpu(sizes, dtype, scale));
}

Tensor leaf(at::IntArrayRef sizes, at::ScalarType dtype, double scale) {
  return data(sizes, dtype, scale).requires_grad_();
}

Tensor edgy(int64_t size, at::ScalarType dtype, const std::vector<double>& bounds, bool nan) {
  Tensor x = normal_on_cpu({size}, dtype, 2.0);
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
  return on_device(x).requires_grad_();
}

Tensor uniform(at::IntArrayRef sizes) { return on_device(at::rand(sizes)); }

Tensor indices(at::IntArrayRef sizes, int64_t bound) { return on_device(at::randint(bound, sizes, at::kLong)); }

Tensor permutation(int64_t bound) { return on_device(at::randperm(bound, at::kLong)); }

}  // namespace cinch::bench
