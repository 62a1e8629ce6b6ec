#include "bench/needs_cases.h"

namespace cinch::bench {
namespace {

const std::vector<int64_t> kSizes = {3, 67, 4096};
const std::vector<at::ScalarType> kFloats = {at::kFloat, at::kDouble, at::kBFloat16, at::kHalf};

using Unary = std::function<Tensor(const Tensor&)>;

// Kept as a mask: values at every edge, four dtypes. NaN only where whole vectors are computed: the scalar tails of
// some kernels treat it otherwise.
NeedsCase mask(const char* op, const char* saves, std::vector<double> bounds, Unary f) {
  const auto call = [f, bounds](int64_t size, at::ScalarType dtype) {
    const Tensor x = edgy(size, dtype, bounds, size % 1024 == 0);
    return Graph{{f(x)}, {x}};
  };
  return {op, saves, call, kSizes, kFloats};
}

NeedsCase value(const char* op, const char* saves, Unary f) {
  const auto call = [f](int64_t size, at::ScalarType dtype) {
    const Tensor x = leaf({size}, dtype, 1.5);
    return Graph{{f(x)}, {x}};
  };
  return {op, saves, call, kSizes};
}

NeedsCase positive(const char* op, const char* saves, Unary f) {
  const auto call = [f](int64_t size, at::ScalarType dtype) {
    const Tensor x = (data({size}, dtype).abs() + 0.5).requires_grad_();
    return Graph{{f(x)}, {x}};
  };
  return {op, saves, call, kSizes};
}

// Two operands that both need a gradient and are no parameters.
NeedsCase binary(const char* op, const char* saves, std::function<Tensor(const Tensor&, const Tensor&)> f) {
  const auto call = [f](int64_t size, at::ScalarType dtype) {
    const Tensor a = leaf({size}, dtype);
    const Tensor b = (data({size}, dtype).abs() + 0.5).requires_grad_();
    return Graph{{f(a.clone(), b.clone())}, {a, b}};
  };
  return {op, saves, call, kSizes};
}

// Two operands with ties, zeros of both signs, infinities and NaN on either side.
NeedsCase compared(const char* op, std::function<Tensor(const Tensor&, const Tensor&)> f) {
  const auto call = [f](int64_t size, at::ScalarType dtype) {
    const Tensor a = edgy(size, dtype, {1.0}, true);
    const Tensor other = edgy(size, dtype, {}, true).detach().flip({0});
    const Tensor b = at::where(data({size}) > 0.5, other, a.detach()).requires_grad_();
    return Graph{{f(a * 1, b * 1)}, {a, b}};
  };
  return {op, "other; self", call, kSizes, kFloats};
}

// On a copy: a leaf cannot be written to.
Unary in_place(std::function<Tensor(Tensor)> f) {
  return [f](const Tensor& x) { return f(x.clone()); };
}

NeedsCase by_region(NeedsCase c) {
  c.linear_everywhere = false;
  return c;
}

std::vector<NeedsCase> masks() {
  return {
      mask("aten::relu", "result", {}, [](const Tensor& x) { return at::relu(x); }),
      mask("aten::relu_", "result", {}, in_place([](Tensor x) { return at::relu_(x); })),
      mask("aten::leaky_relu", "self", {}, [](const Tensor& x) { return at::leaky_relu(x, 0.1); }),
      mask("aten::leaky_relu_", "result", {}, in_place([](Tensor x) { return at::leaky_relu_(x, 0.1); })),
      mask("aten::hardtanh", "self", {-1, 1}, [](const Tensor& x) { return at::hardtanh(x); }),
      mask("aten::hardtanh", "self", {6}, [](const Tensor& x) { return at::hardtanh(x, 0, 6); }),
      mask("aten::hardtanh", "self", {-0.1, 0.3}, [](const Tensor& x) { return at::hardtanh(x, -0.1, 0.3); }),
      mask("aten::hardtanh_", "self", {6}, in_place([](Tensor x) { return at::hardtanh_(x, 0, 6); })),
      mask("aten::hardtanh_", "self", {-0.1, 0.3}, in_place([](Tensor x) { return at::hardtanh_(x, -0.1, 0.3); })),
      mask("aten::threshold", "self", {0.1}, [](const Tensor& x) { return at::threshold(x, 0.1, 20); }),
      mask("aten::hardsigmoid", "self", {-3, 3}, [](const Tensor& x) { return at::hardsigmoid(x); }),
      mask("aten::softshrink", "self", {-0.3, 0.3}, [](const Tensor& x) { return at::softshrink(x, 0.3); }),
      mask("aten::hardshrink", "self", {-0.3, 0.3}, [](const Tensor& x) { return at::hardshrink(x, 0.3); }),
      mask("aten::abs", "self", {}, [](const Tensor& x) { return at::abs(x); }),
      mask("aten::clamp", "self", {-0.1, 0.7}, [](const Tensor& x) { return at::clamp(x, -0.1, 0.7); }),
      mask("aten::clamp", "self", {0.7}, [](const Tensor& x) { return at::clamp(x, std::nullopt, 0.7); }),
      mask("aten::clamp", "self", {-0.1}, [](const Tensor& x) { return at::clamp(x, -0.1, std::nullopt); }),
      mask("aten::threshold_", "self", {0.1}, in_place([](Tensor x) { return at::threshold_(x, 0.1, 20); })),
      mask("aten::hardsigmoid_", "self", {-3, 3}, in_place([](Tensor x) { return at::hardsigmoid_(x); })),
      mask("aten::abs_", "self", {}, in_place([](Tensor x) { return at::abs_(x); })),
      mask("aten::clamp_", "self", {-0.1, 0.7}, in_place([](Tensor x) { return at::clamp_(x, -0.1, 0.7); })),
      mask("aten::clamp_min_", "self", {-0.1}, in_place([](Tensor x) { return at::clamp_min_(x, -0.1); })),
      mask("aten::clamp_max_", "self", {0.7}, in_place([](Tensor x) { return at::clamp_max_(x, 0.7); })),
      mask("aten::clamp_min", "self", {-0.1}, [](const Tensor& x) { return at::clamp_min(x, -0.1); }),
      mask("aten::clamp_max", "self", {0.7}, [](const Tensor& x) { return at::clamp_max(x, 0.7); }),
      value("aten::log_sigmoid_forward", "self; buffer", [](const Tensor& x) { return at::log_sigmoid(x); }),
      mask("aten::log_sigmoid_forward", "self; buffer", {}, [](const Tensor& x) { return at::log_sigmoid(x); }),
      only_on(c10::kCPU,
              value("aten::mul", "other[dropout]", [](const Tensor& x) { return at::dropout(x, 0.3, true); })),
      value("aten::mul", "other[dropout]",
            [](const Tensor& x) {
              return at::feature_dropout(x.view({1, -1, 1}), 0.3, true);
            }),
      value("aten::mul", "other[dropout]", [](const Tensor& x) { return at::alpha_dropout(x, 0.3, true); }),
      value("aten::mul_", "other[dropout]", in_place([](Tensor x) { return at::dropout_(x, 0.3, true); })),
  };
}

std::vector<NeedsCase> values() {
  return {
      by_region(value("aten::hardswish", "self", [](const Tensor& x) { return at::hardswish(x); })),
      value("aten::elu", "self", [](const Tensor& x) { return at::elu(x); }),
      value("aten::elu_", "result", in_place([](Tensor x) { return at::elu_(x); })),
      value("aten::celu", "self", [](const Tensor& x) { return at::celu(x); }),
      value("aten::gelu", "self", [](const Tensor& x) { return at::gelu(x); }),
      value("aten::gelu", "self", [](const Tensor& x) { return at::gelu(x, "tanh"); }),
      value("aten::silu", "self", [](const Tensor& x) { return at::silu(x); }),
      value("aten::silu_", "self", in_place([](Tensor x) { return at::silu_(x); })),
      value("aten::mish", "self", [](const Tensor& x) { return at::mish(x); }),
      value("aten::softplus", "self", [](const Tensor& x) { return at::softplus(x); }),
      value("aten::sigmoid", "result", [](const Tensor& x) { return at::sigmoid(x); }),
      value("aten::sigmoid_", "result", in_place([](Tensor x) { return at::sigmoid_(x); })),
      value("aten::tanh", "result", [](const Tensor& x) { return at::tanh(x); }),
      value("aten::tanh_", "result", in_place([](Tensor x) { return at::tanh_(x); })),
      value("aten::glu", "self",
            [](const Tensor& x) {
              return at::glu(x.repeat({2, 1}), 0);
            }),
      by_region(value("aten::hardswish_", "self", in_place([](Tensor x) { return at::hardswish_(x); }))),
      value("aten::celu_", "result", in_place([](Tensor x) { return at::celu_(x); })),
      value("aten::mish_", "self", in_place([](Tensor x) { return at::mish_(x); })),
      value("aten::exp_", "result", in_place([](Tensor x) { return at::exp_(x); })),
      positive("aten::sqrt_", "result", in_place([](Tensor x) { return at::sqrt_(x); })),
      value("aten::pow_", "self[exponent 2]", in_place([](Tensor x) { return x.pow_(2); })),
      value("aten::pow_", "self[other exponents]", in_place([](Tensor x) { return x.pow_(3); })),
      positive("aten::div_", "other[int64 divisor]",
               in_place([](Tensor x) { return x.div_(indices({x.numel()}, 5) + 1); })),
      value("aten::exp", "result", [](const Tensor& x) { return at::exp(x); }),
      value("aten::expm1", "result", [](const Tensor& x) { return at::expm1(x); }),
      value("aten::sin", "self", [](const Tensor& x) { return at::sin(x); }),
      value("aten::cos", "self", [](const Tensor& x) { return at::cos(x); }),
      value("aten::erf", "self", [](const Tensor& x) { return at::erf(x); }),
      value("aten::sgn", "self; result", [](const Tensor& x) { return at::sgn(x); }),
      positive("aten::reciprocal", "result", [](const Tensor& x) { return at::reciprocal(x); }),
      positive("aten::log", "self", [](const Tensor& x) { return at::log(x); }),
      positive("aten::log1p", "self", [](const Tensor& x) { return at::log1p(x); }),
      positive("aten::log2", "self", [](const Tensor& x) { return at::log2(x); }),
      positive("aten::sqrt", "result", [](const Tensor& x) { return at::sqrt(x); }),
      positive("aten::rsqrt", "result", [](const Tensor& x) { return at::rsqrt(x); }),
      value("aten::pow", "self[exponent 2]", [](const Tensor& x) { return at::pow(x, 2); }),
      value("aten::pow", "self[other exponents]", [](const Tensor& x) { return at::pow(x, 3); }),
      positive("aten::div", "other[int64 divisor]",
               [](const Tensor& x) { return at::div(x, indices({x.numel()}, 5) + 1); }),
      value("aten::mul", "other[bool mask]", [](const Tensor& x) { return at::mul(x, data({x.numel()}) > 0); }),
      value("aten::rrelu_with_noise", "noise; self",
            [](const Tensor& x) {
              Tensor noise = at::empty_like(x.detach());
              return at::rrelu_with_noise(x, noise, 0.1, 0.3, true);
            }),
  };
}

std::vector<NeedsCase> operands() {
  std::vector<NeedsCase> cases = {
      binary("aten::mul", "other; self", [](const Tensor& a, const Tensor& b) { return at::mul(a, b); }),
      binary("aten::mul_", "other; self", [](Tensor a, const Tensor& b) { return a.mul_(b); }),
      binary("aten::div", "other; self", [](const Tensor& a, const Tensor& b) { return at::div(a, b); }),
      binary("aten::div_", "other; self", [](Tensor a, const Tensor& b) { return a.div_(b); }),
      binary("aten::maximum", "other; self", [](const Tensor& a, const Tensor& b) { return at::maximum(a, b); }),
      binary("aten::minimum", "other; self", [](const Tensor& a, const Tensor& b) { return at::minimum(a, b); }),
      compared("aten::maximum", [](const Tensor& a, const Tensor& b) { return at::maximum(a, b); }),
      compared("aten::minimum", [](const Tensor& a, const Tensor& b) { return at::minimum(a, b); }),
      compared("aten::maximum", [](const Tensor& a, const Tensor& b) { return at::maximum(a, b[0]); }),
      binary("aten::addcmul", "tensor1; tensor2",
             [](const Tensor& a, const Tensor& b) { return at::addcmul(a.detach(), a, b, 0.7); }),
  };
  cases.push_back({"aten::mul", "other[scale parameter]; self",
                   [](int64_t size, at::ScalarType dtype) {
                     const Tensor x = leaf({size, 5}, dtype), weight = leaf({5}, dtype);
                     return Graph{{at::mul(x.clone(), weight)}, {x, weight}};
                   },
                   kSizes});
  cases.push_back(by_region({"aten::_prelu_kernel", "self; weight",
                             [](int64_t size, at::ScalarType dtype) {
                               const Tensor x = leaf({size, 5}, dtype), weight = leaf({1, 5}, dtype);
                               return Graph{{at::_prelu_kernel(x, weight)}, {x, weight}};
                             },
                             kSizes}));
  return cases;
}

}  // namespace

std::vector<NeedsCase> elementwise_cases() {
  std::vector<NeedsCase> all = masks();
  for (auto& more : {values(), operands()}) all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace cinch::bench
