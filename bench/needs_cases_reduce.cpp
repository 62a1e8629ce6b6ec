#include <limits>

#include "bench/needs_cases.h"

namespace cinch::bench {
namespace {

NeedsCase reduce(const char* op, const char* saves, std::function<Tensor(const Tensor&)> f) {
  const auto call = [f](int64_t size, at::ScalarType) {
    const Tensor x = leaf({4 * size, 16});
    return Graph{{f(x)}, {x}};
  };
  return {op, saves, call, {1, 80}};
}

// Products of many values leave the range of float32: values near 1.
NeedsCase product(const char* op, const char* saves, std::function<Tensor(const Tensor&)> f) {
  const auto call = [f](int64_t size, at::ScalarType) {
    const Tensor x = (data({4 * size, 16}, at::kFloat, 0.05) + 1.0).requires_grad_();
    return Graph{{f(x)}, {x}};
  };
  return {op, saves, call, {1, 80}};
}

NeedsCase pair(const char* op, const char* saves, std::function<Tensor(const Tensor&, const Tensor&)> f,
               bool linear_everywhere = true) {
  const auto call = [f](int64_t size, at::ScalarType) {
    const Tensor x = leaf({4 * size, 16}), target = leaf({4 * size, 16});
    return Graph{{f(x, target)}, {x, target}};
  };
  NeedsCase c{op, saves, call, {1, 80}};
  c.linear_everywhere = linear_everywhere;
  return c;
}

// Probabilities against targets of 0 and 1.
NeedsCase binary(const char* op, const char* saves, std::function<Tensor(const Tensor&, const Tensor&)> f) {
  const auto call = [f](int64_t size, at::ScalarType) {
    const Tensor x = (uniform({4 * size, 16}) * 0.2 + 0.3).requires_grad_();
    return Graph{{f(x, (data({4 * size, 16}) > 0).to(at::kFloat))}, {x}};
  };
  return {op, saves, call, {1, 80}};
}

NeedsCase classes(const char* op, const char* saves, bool weighted, bool images) {
  const auto call = [weighted, images](int64_t size, at::ScalarType) {
    const std::vector<int64_t> shape =
        images ? std::vector<int64_t>{size, 10, 5, 6} : std::vector<int64_t>{8 * size, 10};
    const Tensor x = leaf(shape);
    Tensor target = images ? indices({size, 5, 6}, 10) : indices({8 * size}, 10);
    target.view(-1)[3] = -100;
    std::optional<Tensor> weight;
    if (weighted) weight = uniform({10}) + 0.5;
    const Tensor logits = x * 1.0;
    return Graph{{images ? at::nll_loss2d(logits, target, weight) : at::nll_loss(logits, target, weight)}, {x}};
  };
  return {op, saves, call, {1, 80}};
}

// Few distinct values, so that ties are frequent; rows of zeros of both signs, with an infinity and, where `nan`, NaN.
NeedsCase tied(const char* op, const char* saves, std::function<Tensor(const Tensor&)> f, bool nan = true) {
  const auto call = [f, nan](int64_t size, at::ScalarType dtype) {
    Tensor x = (data({4 * size, 16}, at::kFloat, 2.0).round() / 2).to(dtype);
    x[1].fill_(0.0).slice(0, 5, 9).mul_(-1);
    x[2][3].fill_(-std::numeric_limits<double>::infinity());
    if (nan) x[3].slice(0, 4, 6).fill_(std::numeric_limits<double>::quiet_NaN());
    x.requires_grad_();
    return Graph{{f(x * 1)}, {x}};
  };
  return {op, saves, call, {1, 80}, {at::kFloat, at::kDouble, at::kBFloat16, at::kHalf}};
}

// Ops that compare what they saved: over one dim, several, all, and in another order of memory.
std::vector<NeedsCase> comparisons() {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto norm = [infinity](const Tensor& x, at::OptionalIntArrayRef dims, bool keepdim) {
    return at::linalg_vector_norm(x, infinity, dims, keepdim);
  };
  const char* const norms = "self[p=inf]; result[p=inf]";
  std::vector<NeedsCase> cases;
  for (const bool nan : {false, true}) {
    const std::vector<NeedsCase> more = {
        tied(
            "aten::max", "self; result", [](const Tensor& x) { return at::max(x); }, nan),
        tied(
            "aten::min", "self; result", [](const Tensor& x) { return at::min(x); }, nan),
        tied(
            "aten::amax", "self; result", [](const Tensor& x) { return at::amax(x, {1}); }, nan),
        tied(
            "aten::amax", "self; result", [](const Tensor& x) { return at::amax(x.t(), {-1}, true); }, nan),
        tied(
            "aten::amax", "self; result",
            [](const Tensor& x) {
              return at::amax(x.view({2, -1, 16}), {0, 2});
            },
            nan),
        tied(
            "aten::amin", "self; result", [](const Tensor& x) { return at::amin(x); }, nan),
        tied(
            "aten::linalg_vector_norm", norms, [norm](const Tensor& x) { return norm(x, {{1}}, false); }, nan),
        tied(
            "aten::linalg_vector_norm", norms, [norm](const Tensor& x) { return norm(x, {{0}}, true); }, nan),
        tied(
            "aten::linalg_vector_norm", norms, [norm](const Tensor& x) { return norm(x, {}, false); }, nan),
    };
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

// The two overloads, by where the lengths are.
NeedsCase ctc(const char* saves, bool lengths_are_tensors) {
  const auto call = [lengths_are_tensors](int64_t size, at::ScalarType) {
    const Tensor x = leaf({20, 2 * size, 12});
    const Tensor log_probs = at::log_softmax(x, 2), targets = indices({2 * size, 5}, 11) + 1;
    const std::vector<int64_t> inputs(2 * size, 20), lengths(2 * size, 5);
    const auto on_device = [&](const std::vector<int64_t>& values) { return at::tensor(values, targets.options()); };
    const auto loss = lengths_are_tensors ? at::_ctc_loss(log_probs, targets, on_device(inputs), on_device(lengths))
                                          : at::_ctc_loss(log_probs, targets, inputs, lengths);
    return Graph{{std::get<0>(loss)}, {x}};
  };
  return {"aten::_ctc_loss", saves, call, {1, 10}};
}

std::vector<NeedsCase> reductions() {
  const double infinity = std::numeric_limits<double>::infinity();
  return {
      reduce("aten::var", "self", [](const Tensor& x) { return at::var(x, {1}); }),
      reduce("aten::std", "self; result", [](const Tensor& x) { return at::std(x, {1}); }),
      reduce("aten::logsumexp", "self; result", [](const Tensor& x) { return at::logsumexp(x, {1}); }),
      reduce("aten::max", "self; result", [](const Tensor& x) { return at::max(x); }),
      reduce("aten::min", "self; result", [](const Tensor& x) { return at::min(x); }),
      reduce("aten::amax", "self; result", [](const Tensor& x) { return at::amax(x, {1}); }),
      reduce("aten::amin", "self; result", [](const Tensor& x) { return at::amin(x, {1}); }),
      reduce("aten::linalg_vector_norm", "self[p=1]; result[p=1]",
             [](const Tensor& x) { return at::linalg_vector_norm(x, 1, {{1}}); }),
      reduce("aten::linalg_vector_norm", "self[p=2]; result[p=2]",
             [](const Tensor& x) { return at::linalg_vector_norm(x, 2, {{1}}); }),
      reduce("aten::linalg_vector_norm", "self[p=inf]; result[p=inf]",
             [infinity](const Tensor& x) { return at::linalg_vector_norm(x, infinity, {{1}}); }),
      reduce("aten::norm", "self; result", [](const Tensor& x) { return at::norm(x, 2, {1}, false); }),
      reduce("aten::norm", "self; result", [](const Tensor& x) { return at::norm(x, 2); }),
      product("aten::prod", "self; result", [](const Tensor& x) { return at::prod(x, 1); }),
      product("aten::prod", "self; result", [](const Tensor& x) { return at::prod(x.slice(0, 0, 4)); }),
      product("aten::cumprod", "self; result", [](const Tensor& x) { return at::cumprod(x, 1); }),
  };
}

}  // namespace

std::vector<NeedsCase> reduction_cases() {
  std::vector<NeedsCase> all = reductions();
  for (auto& c : comparisons()) all.push_back(std::move(c));
  return all;
}

std::vector<NeedsCase> loss_cases() {
  return {
      pair("aten::mse_loss", "self; target", [](const Tensor& x, const Tensor& t) { return at::mse_loss(x, t); }),
      pair(
          "aten::smooth_l1_loss", "self; target",
          [](const Tensor& x, const Tensor& t) { return at::smooth_l1_loss(x, t); }, false),
      pair(
          "aten::huber_loss", "self; target", [](const Tensor& x, const Tensor& t) { return at::huber_loss(x, t); },
          false),
      binary("aten::binary_cross_entropy", "self; target",
             [](const Tensor& x, const Tensor& t) { return at::binary_cross_entropy(x, t); }),
      binary("aten::binary_cross_entropy_with_logits", "self; target",
             [](const Tensor& x, const Tensor& t) { return at::binary_cross_entropy_with_logits(x, t); }),
      binary("aten::binary_cross_entropy_with_logits", "pos_weight; self; target; weight",
             [](const Tensor& x, const Tensor& t) {
               return at::binary_cross_entropy_with_logits(x, t, uniform({16}) + 0.5, uniform({16}) + 0.5);
             }),
      classes("aten::nll_loss_forward", "self; target; total_weight", false, false),
      classes("aten::nll_loss_forward", "self; target; weight; total_weight", true, false),
      classes("aten::nll_loss2d_forward", "self; target; total_weight", false, true),
      classes("aten::nll_loss2d_forward", "self; target; weight; total_weight", true, true),
      ctc("log_probs; targets; result0; result1", false),
      ctc("input_lengths; log_probs; target_lengths; targets; result0; result1", true),
  };
}

}  // namespace cinch::bench
