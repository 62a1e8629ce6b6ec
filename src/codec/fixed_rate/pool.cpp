#include "src/backend/cpu/streaming.h"
#include "src/backend/cuda/runtime.h"
#include "src/codec/fixed_rate/device.h"
#include "src/codec/fixed_rate/lfc_kernels.h"
#include "src/codec/fixed_rate/lfc_layout.h"
#include "src/codec/registry.h"
#include "src/codec/stage/codec_base.h"
#include "src/codec/stage/grid_estimate.h"
#include "src/codec/stage/grid_place.h"
#include "src/codec/stage/parallel.h"
#include "src/codec/stage/speed.h"
#include "src/codec/stage/tensor_scale.h"

namespace cinch::codec {
namespace {

constexpr int64_t kGrain = 128;  // groups a thread takes at least

class Pool final : public CodecBase, public LooksAtGrid {
 public:
  explicit Pool(CodecSpec spec) : CodecBase(std::move(spec)), block_(this->spec().get_int("block", 2)) {}

  ErrorClass error_class() const noexcept override { return ErrorClass::kBounded; }
  bool supports(DType dtype, DeviceKind device) const noexcept override {
    return (device == DeviceKind::kCpu || backend::cuda_built()) && is_codable_float(dtype);
  }
  Estimate estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const override {
    Estimate e;
    e.bytes = payload_bound(numel, dtype, side);
    // What the blocks leave, and the rounding of an average to bfloat16: uniform within 2^-7 of the power of two below.
    const double average_square = stats.mean * stats.mean + stats.variance;
    e.mean_square_error = stats.variance * residual_share(checked_grid(spec().name, side, numel), block_) +
                          average_square / 2 * 0x1p-14 / 12;
    const double raw = static_cast<double>(numel) * static_cast<double>(dtype_bytes(dtype));
    e.encode_seconds = raw / kPoolEncodeSpeed;
    e.decode_seconds = raw / kPoolDecodeSpeed;
    return e;
  }
  int64_t payload_bound(int64_t numel, DType dtype, const SideInfo& side) const override {
    check_size(numel, dtype);
    const Grid g = checked_grid(spec().name, side, numel);
    return kHeaderBytes + average_bytes(g, blocks_of(g, block_));
  }
  std::optional<int64_t> encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                const CodecContext& context) const override;
  void decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
              const CodecContext& context) const override;
  Part part_of(int64_t, const SideInfo&) const override { return Part::kMaps; }

 private:
  int64_t block_;
};

std::optional<int64_t> Pool::encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                    const CodecContext& context) const {
  check_extent(in);
  const Grid g = checked_grid(spec().name, side, in.numel);
  const BlockTensor t{g, blocks_of(g, block_), in.numel, in.dtype};
  Header h;
  h.magic = kPoolMagic;
  h.dtype = static_cast<uint8_t>(in.dtype);
  h.kind = static_cast<uint8_t>(block_);
  h.numel = in.numel;
  h.payload_bytes = kHeaderBytes + average_bytes(g, t.blocks);
  check_room(out, h.payload_bytes);
  put_grid(g, h);
  if (context.device == DeviceKind::kCuda) {
    if (!is_mappable(g)) return std::nullopt;
    device_pool(in.data, h, t, out.data(), context.poisoned, context.stream);
    return h.payload_bytes;
  }
  write_header(h, out);
  auto* averages = reinterpret_cast<uint16_t*>(out.data() + kHeaderBytes);
  const int64_t grain = ceil_div(kGrain * kGroup, slab_values(g));
  const bool ok = parallel_all(context, g.outer, grain, [&](int64_t begin, int64_t end) {
    return pool_slabs(in.data, t, begin, end, averages);
  });
  if (!ok) return std::nullopt;
  return h.payload_bytes;
}

void Pool::decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
                  const CodecContext& context) const {
  check_size(numel, dtype);
  check_out(out, numel);
  if (context.device == DeviceKind::kCuda) {
    check_least_length(payload, kHeaderBytes);
    return device_unpool(payload, block_, numel, dtype, out, context.stream);
  }
  const Header h = read_header(payload, kPoolMagic, spec().name, numel, dtype);
  if (h.kind != block_) throw CodecError(to_string(spec()) + ": the payload has other parameters");
  const Grid g = get_grid(spec().name, h);
  const BlockTensor t{g, blocks_of(g, block_), numel, dtype};
  if (h.payload_bytes != kHeaderBytes + average_bytes(g, t.blocks))
    throw_damaged(spec().name, "its length does not fit its header");
  const auto* averages = reinterpret_cast<const uint16_t*>(payload.data() + kHeaderBytes);
  const bool stream = backend::streams_out(out, numel * dtype_bytes(dtype));
  parallel_for(context, group_count(numel), kGrain,
               [&](int64_t begin, int64_t end) { unpool_groups(averages, t, begin, end, out, stream); });
}

}  // namespace

std::shared_ptr<const Codec> make_pool(CodecSpec spec) { return std::make_shared<Pool>(std::move(spec)); }

}  // namespace cinch::codec
