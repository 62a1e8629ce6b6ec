#include "src/backend/cuda/runtime.h"
#include "src/codec/lossless/device.h"
#include "src/codec/registry.h"
#include "src/codec/stage/codec_base.h"
#include "src/codec/stage/plane.h"
#include "src/codec/stage/speed.h"

namespace cinch::codec {
namespace {

constexpr uint32_t kMagic = make_magic('C', 'B', 'T', '1');

class Bits final : public CodecBase {
 public:
  using CodecBase::CodecBase;
  ErrorClass error_class() const noexcept override { return ErrorClass::kExact; }
  bool supports(DType dtype, DeviceKind device) const noexcept override {
    return (device == DeviceKind::kCpu || backend::cuda_built()) && dtype == DType::kBool;
  }

  Estimate estimate(const TensorStats&, int64_t numel, DType dtype, const SideInfo& side) const override {
    const auto raw = static_cast<double>(numel);
    return {payload_bound(numel, dtype, side), 0.0, raw / kMaskEncodeSpeed, raw / kMaskDecodeSpeed};
  }

  int64_t payload_bound(int64_t numel, DType dtype, const SideInfo&) const override {
    check_size(numel, dtype);
    return kHeaderBytes + plane_bytes(numel);
  }

  std::optional<int64_t> encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                const CodecContext& context) const override {
    check_extent(in);
    Header h;
    h.magic = kMagic;
    h.dtype = static_cast<uint8_t>(in.dtype);
    h.bits = 1;
    h.numel = in.numel;
    h.payload_bytes = payload_bound(in.numel, in.dtype, side);
    check_room(out, h.payload_bytes);
    if (context.device == DeviceKind::kCuda) {
      device_bits(in.data, h, out.data(), context.stream);
      return h.payload_bytes;
    }
    write_header(h, out);
    write_plane(context, in.data, in.numel, 1, reinterpret_cast<uint64_t*>(out.data() + kHeaderBytes),
                [](const void* values, int64_t words, uint64_t* plane) {
                  nonzero_plane(values, words, plane);
                  return true;
                });
    return h.payload_bytes;
  }

  void decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
              const CodecContext& context) const override {
    check_size(numel, dtype);
    check_out(out, numel);
    if (context.device == DeviceKind::kCuda) {
      check_length(payload, kHeaderBytes + plane_bytes(numel));
      return device_choose(payload.data(), 0, numel, 1, out, context.stream);
    }
    const Header h = read_header(payload, kMagic, spec().name, numel, dtype);
    if (h.payload_bytes != kHeaderBytes + plane_bytes(numel))
      throw_damaged(spec().name, "its length does not fit its header");
    read_plane(context, reinterpret_cast<const uint64_t*>(payload.data() + kHeaderBytes), nullptr, numel, 1, {0, 1, 0},
               out);
  }
};

}  // namespace

std::shared_ptr<const Codec> make_bits(CodecSpec spec) { return std::make_shared<Bits>(std::move(spec)); }

}  // namespace cinch::codec
