#include <cmath>

#include "src/backend/cuda/runtime.h"
#include "src/codec/fixed_rate/cast_kernels.h"
#include "src/codec/fixed_rate/device.h"
#include "src/codec/registry.h"
#include "src/codec/stage/codec_base.h"
#include "src/codec/stage/header.h"
#include "src/codec/stage/parallel.h"
#include "src/codec/stage/speed.h"

namespace cinch::codec {
namespace {

constexpr uint32_t kCastMagic = make_magic('C', 'C', 'A', '1');
constexpr int64_t kGrain = 32768;  // values a thread takes at least

struct NarrowType {
  std::string_view name;
  int mantissa;            // stored bits
  double smallest_normal;  // values below lie evenly
};
// Indexed by Narrow.
constexpr NarrowType kTypes[] = {
    {"bf16", 7, 0x1p-126}, {"fp16", 10, 0x1p-14}, {"fp8_e4m3", 3, 0x1p-6}, {"fp8_e5m2", 2, 0x1p-14}};

Narrow narrow_of(std::string_view name) noexcept {
  uint8_t i = 0;
  while (kTypes[i].name != name) ++i;  // the table of methods allows no other
  return static_cast<Narrow>(i);
}

class Cast final : public CodecBase {
 public:
  explicit Cast(CodecSpec spec)
      : CodecBase(std::move(spec)), to_(narrow_of(this->spec().get_string("dtype", "bf16"))) {}

  ErrorClass error_class() const noexcept override { return ErrorClass::kBounded; }
  bool supports(DType dtype, DeviceKind device) const noexcept override {
    return (device == DeviceKind::kCpu || backend::cuda_built()) && is_codable_float(dtype) &&
           dtype_bytes(dtype) > narrow_bytes(to_);
  }
  Estimate estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const override;
  int64_t payload_bound(int64_t numel, DType dtype, const SideInfo& /*side*/) const override {
    check_size(numel, dtype);
    return kHeaderBytes + numel * narrow_bytes(to_);
  }
  std::optional<int64_t> encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                const CodecContext& context) const override;
  void decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
              const CodecContext& context) const override;

 private:
  Narrow to_;
};

// Takes no value for larger than the type's largest.
Estimate Cast::estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const {
  Estimate e;
  e.bytes = payload_bound(numel, dtype, side);
  const NarrowType& type = kTypes[static_cast<size_t>(to_)];
  // The error is uniform within a unit u of the last place: u^2 / 12. u is 2^-mantissa of the power of two below a
  // value, whose square is 0.46 of the value's on average where every magnitude is as likely, and 0.53 for normal
  // values; u is never below that of the smallest normal.
  const double square = stats.mean * stats.mean + stats.variance;
  const double unit = std::ldexp(1.0, -type.mantissa);
  e.mean_square_error = std::max(0.53 * square, type.smallest_normal * type.smallest_normal) * unit * unit / 12;
  const double raw = static_cast<double>(numel) * static_cast<double>(dtype_bytes(dtype));
  e.encode_seconds = raw / kCastEncodeSpeed;
  e.decode_seconds = raw / kCastDecodeSpeed;
  return e;
}

std::optional<int64_t> Cast::encode(const Extent& in, const SideInfo& /*side*/, std::span<std::byte> out,
                                    const CodecContext& context) const {
  check_extent(in);
  Header h;
  h.magic = kCastMagic;
  h.dtype = static_cast<uint8_t>(in.dtype);
  h.bits = static_cast<uint8_t>(8 * narrow_bytes(to_));
  h.kind = static_cast<uint8_t>(to_);
  h.numel = in.numel;
  h.payload_bytes = kHeaderBytes + in.numel * narrow_bytes(to_);
  check_room(out, h.payload_bytes);
  if (context.device == DeviceKind::kCuda) {
    device_cast_down(in.data, h, to_, out.data(), context.stream);
    return h.payload_bytes;
  }
  write_header(h, out);
  const auto* from = static_cast<const std::byte*>(in.data);
  parallel_for(context, in.numel, kGrain, [&](int64_t begin, int64_t end) {
    cast_down(from + begin * dtype_bytes(in.dtype), in.dtype, to_, end - begin,
              out.data() + kHeaderBytes + begin * narrow_bytes(to_));
  });
  return h.payload_bytes;
}

void Cast::decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
                  const CodecContext& context) const {
  check_size(numel, dtype);
  check_out(out, numel);
  if (context.device == DeviceKind::kCuda) {
    check_length(payload, kHeaderBytes + numel * narrow_bytes(to_));
    return device_cast_up(payload.data(), to_, numel, dtype, out, context.stream);
  }
  const Header h = read_header(payload, kCastMagic, spec().name, numel, dtype);
  if (h.kind != static_cast<uint8_t>(to_)) throw CodecError(to_string(spec()) + ": the payload has other parameters");
  if (h.payload_bytes != kHeaderBytes + numel * narrow_bytes(to_))
    throw_damaged(spec().name, "its length does not fit its header");
  auto* to = static_cast<std::byte*>(out);
  parallel_for(context, numel, kGrain, [&](int64_t begin, int64_t end) {
    cast_up(payload.data() + kHeaderBytes + begin * narrow_bytes(to_), to_, dtype, end - begin,
            to + begin * dtype_bytes(dtype));
  });
}

}  // namespace

std::shared_ptr<const Codec> make_cast(CodecSpec spec) { return std::make_shared<Cast>(std::move(spec)); }

}  // namespace cinch::codec
