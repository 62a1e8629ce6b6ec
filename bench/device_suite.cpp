#include "bench/device_suite.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "bench/device_timing.h"
#include "cinch/error.h"
#include "src/backend/cuda/runtime.h"
#include "src/core/float16.h"

namespace cinch::bench {
namespace {

struct Case {
  CodecSpec spec;
  DType dtype;
  SideInfo side;
};

std::vector<Case> make_cases() {
  const DType floats[] = {DType::kFloat32, DType::kBFloat16, DType::kFloat16};
  std::vector<Case> cases;
  for (const int64_t bits : {1, 2, 4, 8})
    for (const DType dtype : floats) cases.push_back({normalise({"group_quant", {{"bits", bits}}}), dtype, {}});
  for (const DType dtype : floats) cases.push_back({normalise({"group_quant", {{"average_bits", 2.0}}}), dtype, {}});
  for (const char* narrow : {"bf16", "fp16", "fp8_e4m3", "fp8_e5m2"}) {
    const CodecSpec spec = normalise({"cast", {{"dtype", std::string(narrow)}}});
    for (const DType dtype : floats)
      if (make_codec(spec)->supports(dtype, DeviceKind::kCuda)) cases.push_back({spec, dtype, {}});
  }
  SideInfo planes;
  planes.grid = Grid{0, {1, 32, 32}, 1, 1};  // as many as there are values for
  for (const int64_t bits : {4, 8})
    for (const DType dtype : floats) cases.push_back({normalise({"fixed_point", {{"bits", bits}}}), dtype, planes});
  for (const int64_t block : {2, 4, 8})
    for (const DType dtype : floats) cases.push_back({normalise({"pool", {{"block", block}}}), dtype, planes});
  for (const int64_t bits : {1, 2, 4, 8})
    for (const DType dtype : floats) cases.push_back({normalise({"lfc", {{"bits", bits}}}), dtype, planes});
  for (const double step : {0.5, 1.0, 2.0})
    for (const DType dtype : floats) cases.push_back({normalise({"dither", {{"step_sigma", step}}}), dtype, {}});
  for (const char* predict : {"none", "lorenzo"})
    for (const DType dtype : floats)
      cases.push_back(
          {normalise({"error_bound", {{"bound", 0.01}, {"predict", std::string(predict)}}}), dtype, planes});
  for (const char* predict : {"lorenzo", "channel"})
    for (const DType dtype : floats)
      cases.push_back({normalise({"dither", {{"predict", std::string(predict)}}}), dtype, planes});
  SideInfo positive;
  positive.predicate = {PredicateKind::kGreater, 0.0, 0.0, true};
  for (const DType dtype : floats) cases.push_back({normalise({"mask", {}}), dtype, positive});
  cases.push_back({normalise({"bits", {}}), DType::kBool, {}});
  SideInfo pool;
  PoolGeometry stem;  // as of a ResNet, on planes of 64 x 64
  stem.in_h = stem.in_w = 64, stem.out_h = stem.out_w = 32;
  stem.kernel_h = stem.kernel_w = 3, stem.stride_h = stem.stride_w = 2, stem.pad_h = stem.pad_w = 1;
  pool.pool = stem;
  cases.push_back({normalise({"int", {}}), DType::kInt64, pool});
  return cases;
}

// Buffers of all sizes are whole planes.
void fit(SideInfo& side, int64_t numel) {
  if (side.pool) side.pool->planes = numel / (side.pool->out_h * side.pool->out_w);
  if (!side.grid) return;
  side.grid->outer = numel / (side.grid->sides[1] * side.grid->sides[2]);
  side.grid->channels = std::min<int64_t>(64, side.grid->outer);
}

int64_t pool_index(const PoolGeometry& p, int64_t element, uint32_t random) {
  const int64_t h = element / p.out_w % p.out_h, w = element % p.out_w;
  const int64_t y = std::max<int64_t>(0, h * p.stride_h - p.pad_h + random % 3);
  const int64_t x = std::max<int64_t>(0, w * p.stride_w - p.pad_w + random / 3 % 3);
  return y * p.in_w + x;
}

void put(std::byte* to, const Case& c, double value) {
  const auto single = static_cast<float>(value);
  if (c.dtype == DType::kFloat32) {
    std::memcpy(to, &single, sizeof single);
    return;
  }
  const uint16_t half = c.dtype == DType::kBFloat16 ? float_to_bf16(single) : float_to_fp16(single);
  std::memcpy(to, &half, sizeof half);
}

// Normal values, fair bits, random cells of windows: 2^20 elements over and over (whole planes of indices).
std::vector<std::byte> make_values(const Case& c, int64_t bytes) {
  const int64_t width = dtype_bytes(c.dtype), period = std::min(bytes / width, int64_t{1} << 20);
  std::vector<std::byte> values(static_cast<size_t>(bytes));
  std::mt19937 random(1);
  std::normal_distribution<double> normal(0.0, 1.0);
  for (int64_t i = 0; i < period; ++i) {
    std::byte* to = values.data() + i * width;
    if (c.dtype == DType::kBool) {
      *to = static_cast<std::byte>(random() % 2);
    } else if (c.side.pool) {
      const int64_t index = pool_index(*c.side.pool, i, random());
      std::memcpy(to, &index, sizeof index);
    } else {
      put(to, c, normal(random));
    }
  }
  for (int64_t done = period * width; done < bytes; done += period * width)
    std::memcpy(values.data() + done, values.data(), static_cast<size_t>(std::min(period * width, bytes - done)));
  return values;
}

nlohmann::json to_row(const Case& c, const DeviceTiming& t, const std::string& device_name) {
  nlohmann::json codec = {{"name", c.spec.name}};
  for (const auto& [key, value] : c.spec.params)
    std::visit([&codec, &key = key](const auto& v) { codec[key] = v; }, value);
  nlohmann::json row = {{"codec", codec},
                        {"source", c.side.pool ? "made-up max-pool indices" : "made-up values"},
                        {"dtype", std::string(to_string(c.dtype))},
                        {"device", "cuda"},
                        {"device_name", device_name},
                        {"raw_bytes", t.raw_bytes},
                        {"declined", t.declined}};
  if (t.declined) return row;
  row["coded_bytes"] = t.coded_bytes;
  row["ratio"] = static_cast<double>(t.raw_bytes) / static_cast<double>(t.coded_bytes);
  row["calls"] = t.calls;
  row["encode_gbps"] = t.encode_gbps;
  row["decode_gbps"] = t.decode_gbps;
  row["device_copy_gbps"] = t.device_copy_gbps;
  row["encode_of_copy"] = t.encode_gbps / t.device_copy_gbps;
  row["decode_of_copy"] = t.decode_gbps / t.device_copy_gbps;
  row["verified"] = t.verified;
  return row;
}

}  // namespace

SuiteResult run_codec_on_device(int index, bool quick) {
  if (const std::string problem = backend::cuda_problem(); !problem.empty()) throw Error("codec: " + problem);
  backend::use_cuda_device(index);
  const std::string device_name = backend::cuda_device_name();
  const std::vector<int64_t> sizes = quick ? std::vector<int64_t>{64 << 10, 64 << 20}
                                           : std::vector<int64_t>{64 << 10, 1 << 20, 8 << 20, 64 << 20, 256 << 20};
  SuiteResult result;
  result.columns = {"codec",          "dtype",         "raw_bytes", "encode_gbps", "decode_gbps", "device_copy_gbps",
                    "encode_of_copy", "decode_of_copy"};
  for (Case c : make_cases()) {
    const std::vector<std::byte> values = make_values(c, sizes.back());
    for (const int64_t bytes : sizes) {
      const int64_t numel = bytes / dtype_bytes(c.dtype);
      fit(c.side, numel);
      const DeviceTiming t = time_codec_on_device(*make_codec(c.spec), {values.data(), numel, c.dtype}, c.side,
                                                  quick ? 1 : 9, quick ? 0 : int64_t{256} << 20);
      if (t.declined || !t.verified) {
        result.failures.push_back(to_string(c.spec) + " on " + std::string(to_string(c.dtype)) + ", " +
                                  std::to_string(bytes) + " bytes" +
                                  (t.declined ? ": declined" : ": other bytes than on the CPU"));
      }
      result.rows.push_back(to_row(c, t, device_name));
    }
  }
  return result;
}

}  // namespace cinch::bench
