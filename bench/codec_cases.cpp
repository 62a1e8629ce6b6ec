#include "bench/codec_cases.h"

#include <torch/torch.h>

#include <algorithm>

#include "cinch/error.h"

namespace cinch::bench {
namespace {

CodecSpec spec(const char* name, std::map<std::string, ParamValue> params) {
  return normalise({name, std::move(params)});
}

CodecSpec dither(double step_sigma, const char* predict = "none") {
  return spec("dither", {{"step_sigma", step_sigma}, {"predict", std::string(predict)}});
}

// Their payloads and errors do not depend on neighbours.
std::vector<CodecSpec> specs_without_grid() {
  std::vector<CodecSpec> specs;
  for (const int64_t bits : {1, 2, 4, 8}) specs.push_back(spec("group_quant", {{"bits", bits}}));
  specs.push_back(spec("group_quant", {{"bits", int64_t{2}}, {"rounding", std::string("nearest")}}));
  for (const double step : {0.3, 0.6, 1.0, 1.4, 2.0}) specs.push_back(dither(step));
  specs.push_back(spec("cast", {{"dtype", std::string("fp8_e4m3")}}));
  return specs;
}

std::vector<CodecSpec> specs_with_grid() {
  return {spec("lfc", {}), spec("pool", {{"block", int64_t{4}}}), spec("fixed_point", {{"bits", int64_t{4}}}),
          spec("error_bound", {{"bound", 0.03}})};
}

bool is_common(const CodecSpec& s) { return s == spec("group_quant", {{"bits", int64_t{2}}}) || s == dither(1.0); }

void add_lossy(const Activation& a, at::ScalarType type, DType dtype, std::vector<Case>& cases) {
  const torch::Tensor values = a.values.to(type);
  const double sigma = sigma_of(values);
  const auto add = [&](const CodecSpec& s, const SideInfo& side) -> Case& {
    return cases.emplace_back(Case{.model = a.model,
                                   .source = a.source,
                                   .values = values,
                                   .dtype = dtype,
                                   .spec = s,
                                   .side = side,
                                   .sigma = sigma});
  };
  const bool single = dtype == DType::kFloat32;
  const SideInfo grid{.predicate = {}, .pool = {}, .grid = a.grid};
  for (const CodecSpec& s : specs_without_grid()) {
    Case& c = add(s, {});
    c.on_all_isas = c.on_threads = single && is_common(s);
  }
  for (const CodecSpec& s : specs_with_grid())
    add(s, grid).on_threads = single && (s.name == "lfc" || s.name == "error_bound");
  if (!single) return;
  for (const char* predict : {"channel", "lorenzo"}) add(dither(1.0, predict), grid);
  // As fine as `dither` at one deviation: how fast one is beside the other.
  Case& bounded =
      add(spec("error_bound", {{"bound", sigma / 2}, {"relative", false}, {"predict", std::string("none")}}), {});
  bounded.on_all_isas = bounded.on_threads = true;
  for (const double share : kBoundSigmas)
    add(spec("error_bound", {{"bound", share * sigma}, {"relative", false}}), grid).bound_sigma = share;
}

void add_lossless(const Activation& relu, std::vector<Case>& cases) {
  Case mask{.model = relu.model, .source = relu.source, .values = relu.values, .spec = spec("mask", {})};
  mask.side.predicate = {PredicateKind::kGreater, 0.0, 0.0, true};
  cases.push_back(mask);
  cases.push_back({.model = relu.model,
                   .source = relu.source + " > 0",
                   .values = relu.values > 0,
                   .dtype = DType::kBool,
                   .spec = spec("bits", {})});
  Case index{.model = relu.model,
             .source = relu.source + ", max-pool 2x2 index",
             .values = std::get<1>(torch::max_pool2d_with_indices(relu.values, 2)),
             .dtype = DType::kInt64,
             .spec = spec("int", {})};
  PoolGeometry g;
  g.planes = relu.values.size(0) * relu.values.size(1);
  g.channels = relu.values.size(1);
  g.in_h = relu.values.size(2), g.in_w = relu.values.size(3);
  g.out_h = index.values.size(2), g.out_w = index.values.size(3);
  g.kernel_h = g.kernel_w = g.stride_h = g.stride_w = 2;
  index.side.pool = g;
  cases.push_back(index);
}

}  // namespace

double sigma_of(const torch::Tensor& values) { return values.to(torch::kFloat64).std().item<double>(); }

std::vector<Case> make_cases(const std::vector<Activation>& activations) {
  std::vector<Case> cases;
  for (const Activation& a : activations) {
    add_lossy(a, torch::kFloat32, DType::kFloat32, cases);
    add_lossy(a, torch::kBFloat16, DType::kBFloat16, cases);
    if (a.model == "resnet18") add_lossy(a, torch::kFloat16, DType::kFloat16, cases);
  }
  const auto relu =
      std::ranges::find_if(activations, [](const Activation& a) { return a.source.starts_with("relu result"); });
  if (relu == activations.end()) throw Error("no activation is the result of a ReLU");
  add_lossless(*relu, cases);
  return cases;
}

}  // namespace cinch::bench
