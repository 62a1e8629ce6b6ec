#include "bench/codec_timing.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>

#include "bench/aligned_buffer.h"
#include "src/backend/cpu/isa.h"
#include "src/core/float16.h"

namespace cinch::bench {
namespace {

template <class Call>
double seconds(Call&& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double value_at(const void* data, int64_t i, DType dtype) {
  const auto* p = static_cast<const std::byte*>(data) + i * dtype_bytes(dtype);
  uint16_t half;
  std::memcpy(&half, p, 2);
  if (dtype == DType::kBFloat16) return bf16_to_float(half);
  if (dtype == DType::kFloat16) return fp16_to_float(half);
  if (dtype == DType::kFloat64) {
    double v;
    std::memcpy(&v, p, 8);
    return v;
  }
  float v;
  std::memcpy(&v, p, 4);
  return v;
}

void measure_error(const void* in, const void* out, int64_t numel, DType dtype, CodecTiming* row) {
  double squares = 0;
  for (int64_t i = 0; i < numel; ++i) {
    const double e = std::abs(value_at(in, i, dtype) - value_at(out, i, dtype));
    row->max_error = std::max(row->max_error, e);
    squares += e * e;
  }
  row->rms_error = numel > 0 ? std::sqrt(squares / static_cast<double>(numel)) : 0;
}

CodecTiming time_one(const Codec& codec, const Extent& in, const SideInfo& side, int rounds) {
  CodecTiming row;
  row.codec = to_string(codec.spec());
  row.dtype = std::string(to_string(in.dtype));
  row.isa = backend::active_instruction_set();
  row.raw_bytes = in.numel * dtype_bytes(in.dtype);
  const CodecContext context;
  const auto bound = codec.measure(in, side, context);
  if (!bound) {
    row.declined = true;
    return row;
  }
  const AlignedBuffer payload = make_aligned(*bound), decoded = make_aligned(row.raw_bytes),
                      first = make_aligned(row.raw_bytes);
  const std::span<std::byte> room(payload.get(), static_cast<size_t>(*bound));
  const auto coded = codec.encode(in, side, room, context);
  if (!coded) {
    row.declined = true;
    return row;
  }
  row.coded_bytes = *coded;
  codec.decode(room, first.get(), in.numel, in.dtype, context);
  double best_encode = std::numeric_limits<double>::infinity(), best_decode = best_encode, best_copy = best_encode;
  for (int r = 0; r < rounds; ++r) {
    best_copy =
        std::min(best_copy, seconds([&] { std::memcpy(decoded.get(), in.data, static_cast<size_t>(row.raw_bytes)); }));
    best_encode = std::min(best_encode, seconds([&] { codec.encode(in, side, room, context); }));
    best_decode =
        std::min(best_decode, seconds([&] { codec.decode(room, decoded.get(), in.numel, in.dtype, context); }));
  }
  const auto gbps = [&](double s) { return s > 0 ? static_cast<double>(row.raw_bytes) / s / 1e9 : 0.0; };
  row.memcpy_gbps = gbps(best_copy);
  row.encode_gbps = gbps(best_encode);
  row.decode_gbps = gbps(best_decode);
  row.verified = std::memcmp(first.get(), decoded.get(), static_cast<size_t>(row.raw_bytes)) == 0;
  const bool is_value = is_codable_float(in.dtype) && codec.spec().name != "mask";
  if (is_value) measure_error(in.data, decoded.get(), in.numel, in.dtype, &row);
  if (codec.error_class() == ErrorClass::kExact && codec.spec().name != "mask") {
    row.verified = row.verified && std::memcmp(in.data, decoded.get(), static_cast<size_t>(row.raw_bytes)) == 0;
  } else if (is_value) {
    // Three times the expected error is out of reach for a sound codec and near for a broken one.
    const Estimate e = codec.estimate(compute_stats(in), in.numel, in.dtype, side);
    row.verified = row.verified && row.rms_error <= 3 * std::sqrt(e.mean_square_error) + 1e-30;
  }
  return row;
}

}  // namespace

std::vector<CodecTiming> time_codec(const CodecSpec& spec, const void* data, int64_t numel, DType dtype,
                                    const SideInfo& side, const std::vector<std::string>& isas, int rounds) {
  const auto codec = make_codec(spec);
  const Extent in{data, numel, dtype};
  if (isas.empty()) return {time_one(*codec, in, side, rounds)};
  struct Restore {
    std::string before = backend::active_instruction_set();
    ~Restore() { backend::force_instruction_set(before); }
  } restore;
  std::vector<CodecTiming> rows;
  for (const std::string& isa : isas) {
    backend::force_instruction_set(isa);
    rows.push_back(time_one(*codec, in, side, rounds));
  }
  return rows;
}

}  // namespace cinch::bench
