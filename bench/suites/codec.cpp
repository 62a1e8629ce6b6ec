// Codecs on activations of a network that is trained for it: ratio, error, and speed beside memcpy of the same buffer.
// On a GPU: speed beside a copy within its memory (bench/device_suite.h).
#include <torch/torch.h>

#include "bench/activations.h"
#include "bench/codec_timing.h"
#include "bench/device_suite.h"
#include "bench/suite.h"
#include "cinch/torch/meter.h"
#include "src/backend/cpu/isa.h"

namespace cinch::bench {
namespace {

struct Case {
  std::string source;
  torch::Tensor values;
  DType dtype;
  CodecSpec spec;
  SideInfo side;
};

CodecSpec group_quant(int64_t bits, const std::string& rounding = "stochastic") {
  return normalise({"group_quant", {{"bits", bits}, {"rounding", rounding}}});
}

CodecSpec dither(double step_sigma) { return normalise({"dither", {{"step_sigma", step_sigma}}}); }

// Of a contiguous batch of images.
SideInfo planes_of(const torch::Tensor& values) {
  SideInfo side;
  Grid grid;
  grid.outer = values.size(0) * values.size(1);
  grid.channels = values.size(1);
  grid.sides = {1, values.size(2), values.size(3)};
  side.grid = grid;
  return side;
}

// Every lossy spec on every activation; the lossless codecs on what they are for.
std::vector<Case> make_cases(const std::vector<Activation>& activations) {
  std::vector<Case> cases;
  const std::pair<at::ScalarType, DType> dtypes[] = {
      {torch::kFloat32, DType::kFloat32}, {torch::kBFloat16, DType::kBFloat16}, {torch::kFloat16, DType::kFloat16}};
  for (const Activation& a : activations) {
    for (const auto& [type, dtype] : dtypes) {
      const torch::Tensor values = a.values.to(type);
      for (const int64_t bits : {1, 2, 4, 8}) cases.push_back({a.source, values, dtype, group_quant(bits), {}});
      cases.push_back({a.source, values, dtype, group_quant(2, "nearest"), {}});
      for (const double step : {0.3, 0.6, 1.0, 1.4, 2.0}) cases.push_back({a.source, values, dtype, dither(step), {}});
      for (const CodecSpec& spec :
           {CodecSpec{"lfc", {}}, CodecSpec{"pool", {{"block", int64_t{4}}}},
            CodecSpec{"error_bound", {{"bound", 0.03}}}, CodecSpec{"cast", {{"dtype", std::string("fp8_e4m3")}}}})
        cases.push_back({a.source, values, dtype, normalise(spec), planes_of(values)});
    }
  }
  const Activation& relu = activations.at(activations.size() - 2);
  SideInfo positive;
  positive.predicate = {PredicateKind::kGreater, 0.0, 0.0, true};
  cases.push_back({relu.source, relu.values, DType::kFloat32, normalise({"mask", {}}), positive});
  cases.push_back({relu.source + " > 0", relu.values > 0, DType::kBool, normalise({"bits", {}}), {}});

  const torch::Tensor index = std::get<1>(torch::max_pool2d_with_indices(relu.values, 2));
  SideInfo pool;
  PoolGeometry g;
  g.planes = relu.values.size(0) * relu.values.size(1);
  g.channels = relu.values.size(1);
  g.in_h = relu.values.size(2), g.in_w = relu.values.size(3), g.out_h = index.size(2), g.out_w = index.size(3);
  g.kernel_h = g.kernel_w = g.stride_h = g.stride_w = 2;
  pool.pool = g;
  cases.push_back({relu.source + ", max-pool 2x2 index", index, DType::kInt64, normalise({"int", {}}), pool});
  return cases;
}

nlohmann::json spec_json(const CodecSpec& spec) {
  nlohmann::json out = {{"name", spec.name}};
  for (const auto& [key, value] : spec.params) std::visit([&out, &key = key](const auto& v) { out[key] = v; }, value);
  return out;
}

// What torch's allocator takes for a payload of this case.
int64_t charged_bytes(const Case& c) {
  const Extent in{c.values.const_data_ptr(), c.values.numel(), c.dtype};
  const auto codec = make_codec(c.spec);
  const auto room_bytes = codec->measure(in, c.side, CodecContext());
  if (!room_bytes) return 0;
  const torch::Tensor first = torch::empty({*room_bytes}, torch::kUInt8);
  const std::span<std::byte> out(static_cast<std::byte*>(first.mutable_data_ptr()), static_cast<size_t>(*room_bytes));
  // A payload ends up in room of its own size.
  const auto bytes = codec->encode(in, c.side, out, CodecContext());
  if (!bytes) return 0;
  const int64_t before = DeviceMeter::of(torch::kCPU).current_bytes();
  const torch::Tensor room = torch::empty({*bytes}, torch::kUInt8);
  return DeviceMeter::of(torch::kCPU).current_bytes() - before;
}

nlohmann::json to_row(const Case& c, const CodecTiming& t, int64_t charged) {
  nlohmann::json row = {{"codec", spec_json(c.spec)},
                        {"source", c.source},
                        {"dtype", t.dtype},
                        {"device", "cpu"},
                        {"isa", t.isa},
                        {"threads", 1},
                        {"raw_bytes", t.raw_bytes},
                        {"declined", t.declined}};
  if (t.declined) return row;
  row["coded_bytes"] = t.coded_bytes;
  row["charged_bytes"] = charged;
  row["ratio"] = static_cast<double>(t.raw_bytes) / static_cast<double>(charged);
  row["encode_gbps"] = t.encode_gbps;
  row["decode_gbps"] = t.decode_gbps;
  row["memcpy_gbps"] = t.memcpy_gbps;
  row["encode_of_memcpy"] = t.encode_gbps / t.memcpy_gbps;
  row["decode_of_memcpy"] = t.decode_gbps / t.memcpy_gbps;
  row["verified"] = t.verified;
  if (make_codec(c.spec)->error_class() != ErrorClass::kExact) {
    const double sigma = c.values.to(torch::kFloat64).std().item<double>();
    row["rmse_sigma"] = t.rms_error / sigma;
    row["max_error"] = t.max_error;
  }
  return row;
}

// The most used ones on every instruction set of the machine, the others on the best.
std::vector<std::string> isas_for(const Case& c) {
  const bool all = (c.spec == group_quant(2) || c.spec == dither(1.0)) && c.dtype == DType::kFloat32;
  return all ? backend::instruction_sets() : std::vector<std::string>();
}

SuiteResult run(const SuiteOptions& options) {
  if (options.device.is_cuda()) return run_codec_on_device(options.device.index(), options.quick);
  SuiteResult result;
  result.columns = {"codec",      "source",      "dtype",       "isa",        "ratio",
                    "rmse_sigma", "encode_gbps", "decode_gbps", "memcpy_gbps"};
  for (const Case& c : make_cases(dump_activations(options.quick ? 2 : 40))) {
    const int64_t charged = charged_bytes(c);
    for (const CodecTiming& t : time_codec(c.spec, c.values.const_data_ptr(), c.values.numel(), c.dtype, c.side,
                                           isas_for(c), options.quick ? 1 : 9)) {
      if (t.declined || !t.verified) {
        result.failures.push_back(to_string(c.spec) + " on " + c.source + ", " + t.dtype +
                                  (t.declined ? ": declined" : ": the decoded values are wrong"));
      }
      result.rows.push_back(to_row(c, t, charged));
    }
  }
  return result;
}

const Registration registration("codec", "ratio, error and speed of codecs on activations of a trained ResNet-18", run,
                                Devices::kCpuAndCuda);

}  // namespace
}  // namespace cinch::bench
