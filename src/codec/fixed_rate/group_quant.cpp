#include <algorithm>
#include <cmath>
#include <cstring>

#include "src/backend/cpu/streaming.h"
#include "src/backend/cuda/runtime.h"
#include "src/codec/fixed_rate/device.h"
#include "src/codec/fixed_rate/kernels.h"
#include "src/codec/fixed_rate/tail.h"
#include "src/codec/registry.h"
#include "src/codec/stage/codec_base.h"
#include "src/codec/stage/parallel.h"
#include "src/codec/stage/rng.h"
#include "src/codec/stage/speed.h"

namespace cinch::codec {
namespace {

constexpr int64_t kGrain = 128;  // groups a thread takes at least

void zero_gap(std::span<std::byte> out, int64_t groups) {
  zero_bytes(out, sides_offset() + groups * static_cast<int64_t>(sizeof(Sides)), codes_offset(groups));
}

class GroupQuant final : public CodecBase {
 public:
  explicit GroupQuant(CodecSpec spec)
      : CodecBase(std::move(spec)),
        bits_(static_cast<int>(this->spec().get_int("bits", 4))),
        nearest_(this->spec().get_string("rounding", "stochastic") == "nearest") {}

  ErrorClass error_class() const noexcept override { return nearest_ ? ErrorClass::kBounded : ErrorClass::kUnbiased; }
  bool supports(DType dtype, DeviceKind device) const noexcept override {
    return (device == DeviceKind::kCpu || backend::cuda_built()) && is_codable_float(dtype);
  }
  Estimate estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const override;
  int64_t payload_bound(int64_t numel, DType dtype, const SideInfo&) const override {
    check_size(numel, dtype);
    return group_quant_bytes(numel, bits_);
  }
  std::optional<int64_t> encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                const CodecContext& context) const override;
  void decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
              const CodecContext& context) const override;
  std::optional<int64_t> recode(std::span<const std::byte> payload, int64_t numel, DType dtype, const Codec& coarser,
                                std::span<std::byte> out, const CodecContext& context) const override;

 private:
  // The salt keeps the dither of 8 -> 4 -> 2 bits independent of each other.
  GroupQuantParams params(DType dtype, const CodecContext& context) const {
    return {bits_, nearest_, dtype, rng_key(context, kGroupQuantMagic + static_cast<uint64_t>(bits_))};
  }
  Header header(int64_t numel, DType dtype) const {
    Header h;
    h.magic = kGroupQuantMagic;
    h.dtype = static_cast<uint8_t>(dtype);
    h.bits = static_cast<uint8_t>(bits_);
    h.kind = nearest_ ? 1 : 0;
    h.numel = numel;
    h.payload_bytes = group_quant_bytes(numel, bits_);
    return h;
  }
  void check_header(const Header& h) const {
    if (h.bits != bits_ || h.kind != (nearest_ ? 1 : 0))
      throw CodecError(to_string(spec()) + ": the payload has other parameters");
    if (h.numel > (int64_t{1} << 56) || h.payload_bytes != group_quant_bytes(h.numel, bits_)) {
      throw_damaged(spec().name, "its length does not fit its header");
    }
  }

  int bits_;
  bool nearest_;
};

Estimate GroupQuant::estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const {
  Estimate e;
  e.bytes = payload_bound(numel, dtype, side);
  const double levels = (1 << bits_) - 1;
  // A bfloat16 minimum lies up to 2^-7 of itself below the group's, half of that on average; a step is 2^-8.5 too wide
  // on average.
  const double range = std::sqrt(stats.mean_square_group_range);
  const double slack = std::abs(stats.mean - range / 2) * 0x1p-8 * (stats.min == 0.0 ? 0.0 : 1.0);
  const double step = (range + slack) / levels * (1 + 0x1p-8);
  // Uniform within a cell: step^2 / 6 with stochastic rounding, half of it with nearest. Zeros at the minimum are
  // exact.
  double mse = step * step / (nearest_ ? 12.0 : 6.0);
  if (stats.min == 0.0) mse *= 1.0 - stats.zero_fraction;
  // One cell for the whole group is far from uniform; its error follows from the moments: E[(x - low)(high - x)] with
  // stochastic rounding, E[(step / 2 - |x - middle|)^2] with nearest, the mean of |.| guessed as of a normal
  // distribution.
  if (bits_ == 1) {
    const double middle = (stats.min == 0.0 ? 0.0 : stats.mean - step / 2) + step / 2;
    const double offset = stats.mean - middle, second = offset * offset + stats.variance;
    mse = step * step / 4 - second;
    if (nearest_) mse = step * step / 4 - step * std::max(std::abs(offset), 0.8 * std::sqrt(second)) + second;
    mse = std::max(0.0, mse);
  }
  e.mean_square_error = mse;
  const double raw = static_cast<double>(numel) * static_cast<double>(dtype_bytes(dtype));
  e.encode_seconds = raw / kGroupQuantEncodeSpeed;
  e.decode_seconds = raw / kGroupQuantDecodeSpeed;
  return e;
}

std::optional<int64_t> GroupQuant::encode(const Extent& in, const SideInfo&, std::span<std::byte> out,
                                          const CodecContext& context) const {
  check_extent(in);
  const Header h = header(in.numel, in.dtype);
  check_room(out, h.payload_bytes);
  if (context.device == DeviceKind::kCuda) {
    device_encode(in.data, h, params(in.dtype, context), out.data(), context.poisoned, context.stream);
    return h.payload_bytes;
  }
  write_header(h, out);
  const int64_t groups = group_count(in.numel), whole = in.numel / kGroup, width = dtype_bytes(in.dtype);
  zero_gap(out, groups);
  auto* sides = reinterpret_cast<Sides*>(out.data() + sides_offset());
  std::byte* codes = out.data() + codes_offset(groups);
  const auto* data = static_cast<const std::byte*>(in.data);
  const GroupQuantParams p = params(in.dtype, context);
  const bool ok = parallel_all(context, whole, kGrain, [&](int64_t begin, int64_t end) {
    return encode_groups(data + begin * kGroup * width, end - begin, begin, p, sides + begin,
                         codes + begin * code_bytes(bits_));
  });
  if (!ok) return std::nullopt;
  if (whole < groups) {
    alignas(64) std::byte tail[kGroup * 4];
    fill_tail(data + whole * kGroup * width, in.numel - whole * kGroup, width, tail);
    if (!encode_groups(tail, 1, whole, p, sides + whole, codes + whole * code_bytes(bits_))) return std::nullopt;
  }
  return h.payload_bytes;
}

void GroupQuant::decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
                        const CodecContext& context) const {
  check_size(numel, dtype);
  check_out(out, numel);
  if (context.device == DeviceKind::kCuda) {
    check_length(payload, group_quant_bytes(numel, bits_));
    return device_decode(payload.data(), numel, bits_, dtype, out, context.stream);
  }
  check_header(read_header(payload, kGroupQuantMagic, spec().name, numel, dtype));
  const int64_t groups = group_count(numel), whole = numel / kGroup, width = dtype_bytes(dtype);
  const auto* sides = reinterpret_cast<const Sides*>(payload.data() + sides_offset());
  const std::byte* codes = payload.data() + codes_offset(groups);
  auto* values = static_cast<std::byte*>(out);
  const bool stream = backend::streams_out(out, numel * width);
  parallel_for(context, whole, kGrain, [&](int64_t begin, int64_t end) {
    decode_groups(sides + begin, codes + begin * code_bytes(bits_), end - begin, bits_, dtype,
                  values + begin * kGroup * width, stream);
    if (stream) finish_streaming();
  });
  if (whole < groups) {
    alignas(64) std::byte tail[kGroup * 4];
    decode_groups(sides + whole, codes + whole * code_bytes(bits_), 1, bits_, dtype, tail, false);
    std::memcpy(values + whole * kGroup * width, tail, static_cast<size_t>((numel - whole * kGroup) * width));
  }
}

std::optional<int64_t> GroupQuant::recode(std::span<const std::byte> payload, int64_t numel, DType dtype,
                                          const Codec& coarser, std::span<std::byte> out,
                                          const CodecContext& context) const {
  const auto* target = dynamic_cast<const GroupQuant*>(&coarser);
  if (target == nullptr || target->bits_ >= bits_) return std::nullopt;
  check_size(numel, dtype);
  const Header to = target->header(numel, dtype);
  target->check_room(out, to.payload_bytes);
  // By way of float32, whatever the tensor was: no rounding to the dtype in between.
  const GroupQuantParams p = target->params(DType::kFloat32, context);
  if (context.device == DeviceKind::kCuda) {
    check_length(payload, group_quant_bytes(numel, bits_));
    device_recode(payload.data(), bits_, to, p, out.data(), context.poisoned, context.stream);
    return to.payload_bytes;
  }
  check_header(read_header(payload, kGroupQuantMagic, spec().name, numel, dtype));
  write_header(to, out);
  const int64_t groups = group_count(numel);
  const auto* sides = reinterpret_cast<const Sides*>(payload.data() + sides_offset());
  const std::byte* codes = payload.data() + codes_offset(groups);
  zero_gap(out, groups);
  auto* new_sides = reinterpret_cast<Sides*>(out.data() + sides_offset());
  std::byte* new_codes = out.data() + codes_offset(groups);
  const int64_t tail = numel % kGroup;
  const bool ok = parallel_all(context, groups, kGrain, [&](int64_t begin, int64_t end) {
    alignas(64) float group[kGroup];
    for (int64_t g = begin; g < end; ++g) {
      decode_groups(sides + g, codes + g * code_bytes(bits_), 1, bits_, DType::kFloat32, group, false);
      if (tail != 0 && g == groups - 1) std::fill(group + tail, group + kGroup, group[0]);
      if (!encode_groups(group, 1, g, p, new_sides + g, new_codes + g * code_bytes(target->bits_))) return false;
    }
    return true;
  });
  if (!ok) return std::nullopt;
  return to.payload_bytes;
}

}  // namespace

std::shared_ptr<const Codec> make_group_quant(CodecSpec spec) {
  if (spec.get_double("average_bits", 0) != 0) return make_group_quant_average(std::move(spec));
  return std::make_shared<GroupQuant>(std::move(spec));
}

}  // namespace cinch::codec
