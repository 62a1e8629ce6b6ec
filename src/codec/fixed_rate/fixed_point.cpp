#include <cmath>

#include "src/backend/cpu/streaming.h"
#include "src/backend/cuda/runtime.h"
#include "src/codec/fixed_rate/channel_sides.h"
#include "src/codec/fixed_rate/device.h"
#include "src/codec/fixed_rate/fixed_point_kernels.h"
#include "src/codec/registry.h"
#include "src/codec/stage/codec_base.h"
#include "src/codec/stage/parallel.h"
#include "src/codec/stage/speed.h"
#include "src/codec/stage/tensor_scale.h"

namespace cinch::codec {
namespace {

constexpr uint32_t kFixedPointMagic = make_magic('C', 'F', 'P', '1');
constexpr int64_t kGrain = 128;  // groups a thread takes at least

class FixedPoint final : public CodecBase, public LooksAtGrid {
 public:
  explicit FixedPoint(CodecSpec spec)
      : CodecBase(std::move(spec)), bits_(static_cast<int>(this->spec().get_int("bits", 8))) {}

  ErrorClass error_class() const noexcept override { return ErrorClass::kBounded; }
  bool supports(DType dtype, DeviceKind device) const noexcept override {
    return (device == DeviceKind::kCpu || backend::cuda_built()) && is_codable_float(dtype);
  }
  Estimate estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const override;
  int64_t payload_bound(int64_t numel, DType dtype, const SideInfo& side) const override {
    check_size(numel, dtype);
    return channel_layout(checked_grid(spec().name, side, numel), numel, bits_).bytes;
  }
  std::optional<int64_t> encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                const CodecContext& context) const override;
  void decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
              const CodecContext& context) const override;
  Part part_of(int64_t numel, const SideInfo& side) const override {
    return channel_count(checked_grid(spec().name, side, numel)) > 1 ? Part::kChannels : Part::kGroups;
  }

 private:
  ChannelTensor tensor(const Grid& grid, int64_t numel, DType dtype) const { return {grid, numel, dtype, bits_}; }

  int bits_;
};

// Takes channels for alike and values for normal, but for the zeros, which all lie on an edge of a cell.
Estimate FixedPoint::estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const {
  Estimate e;
  e.bytes = payload_bound(numel, dtype, side);
  const double deviation = std::sqrt(stats.variance);
  const double step = bf16_to_float(channel_cells(stats.mean, deviation, bits_, dtype).step);
  // What clamping adds: E[(|z| - 3)^2] over a standard normal's |z| > 3 is 4.07e-4, and a deviation that is known from
  // a sample alone adds to it.
  constexpr double kBeyond = 4.4e-4;
  e.mean_square_error =
      (1 - stats.zero_fraction) * step * step / 12 + stats.zero_fraction * step * step / 4 + stats.variance * kBeyond;
  const double raw = static_cast<double>(numel) * static_cast<double>(dtype_bytes(dtype));
  e.encode_seconds = raw / kFixedPointEncodeSpeed;
  e.decode_seconds = raw / kFixedPointDecodeSpeed;
  return e;
}

std::optional<int64_t> FixedPoint::encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                          const CodecContext& context) const {
  check_extent(in);
  const ChannelTensor t = tensor(checked_grid(spec().name, side, in.numel), in.numel, in.dtype);
  const ChannelLayout l = channel_layout(t.grid, t.numel, bits_);
  check_room(out, l.bytes);
  Header h;
  h.magic = kFixedPointMagic;
  h.dtype = static_cast<uint8_t>(in.dtype);
  h.bits = static_cast<uint8_t>(bits_);
  h.numel = in.numel;
  h.payload_bytes = l.bytes;
  put_grid(t.grid, h);
  if (context.device == DeviceKind::kCuda) {
    device_encode_channels(in.data, h, t, out.data(), context.poisoned, context.stream);
    return l.bytes;
  }
  write_header(h, out);
  zero_bytes(out, l.sides_end, l.codes);
  if (in.numel == 0) return l.bytes;
  auto* sides = reinterpret_cast<ChannelSides*>(out.data() + l.sides);
  const bool finite = parallel_all(context, channel_count(t.grid), 16, [&](int64_t begin, int64_t end) {
    return channel_sides(in, t.grid, bits_, begin, end, sides);
  });
  if (!finite) return std::nullopt;
  const bool ok = parallel_all(context, group_count(in.numel), kGrain, [&](int64_t begin, int64_t end) {
    return encode_channels(in.data, t, begin, end, sides, out.data() + l.codes);
  });
  if (!ok) return std::nullopt;
  return l.bytes;
}

void FixedPoint::decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
                        const CodecContext& context) const {
  check_size(numel, dtype);
  check_out(out, numel);
  if (context.device == DeviceKind::kCuda) {
    check_least_length(payload, kHeaderBytes + group_count(numel) * code_bytes(bits_));
    return device_decode_channels(payload, numel, bits_, dtype, out, context.stream);
  }
  const Header h = read_header(payload, kFixedPointMagic, spec().name, numel, dtype);
  if (h.bits != bits_) throw CodecError(to_string(spec()) + ": the payload has other parameters");
  const ChannelTensor t = tensor(get_grid(spec().name, h), numel, dtype);
  const ChannelLayout l = channel_layout(t.grid, t.numel, bits_);
  if (h.payload_bytes != l.bytes) throw_damaged(spec().name, "its length does not fit its header");
  const auto* sides = reinterpret_cast<const ChannelSides*>(payload.data() + l.sides);
  const bool stream = backend::streams_out(out, numel * dtype_bytes(dtype));
  parallel_for(context, group_count(numel), kGrain, [&](int64_t begin, int64_t end) {
    decode_channels(sides, payload.data() + l.codes, t, begin, end, out, stream);
  });
}

}  // namespace

std::shared_ptr<const Codec> make_fixed_point(CodecSpec spec) { return std::make_shared<FixedPoint>(std::move(spec)); }

}  // namespace cinch::codec
