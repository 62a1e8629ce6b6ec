#include <cmath>
#include <numeric>

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
#include "src/codec/stage/rng.h"
#include "src/codec/stage/speed.h"
#include "src/codec/stage/tensor_scale.h"

namespace cinch::codec {
namespace {

constexpr int64_t kGrain = 128;  // groups a thread takes at least

class Lfc final : public CodecBase, public LooksAtGrid {
 public:
  explicit Lfc(CodecSpec spec)
      : CodecBase(std::move(spec)),
        block_(this->spec().get_int("block", 8)),
        bits_(static_cast<int>(this->spec().get_int("bits", 2))) {}

  ErrorClass error_class() const noexcept override { return ErrorClass::kUnbiased; }
  bool supports(DType dtype, DeviceKind device) const noexcept override {
    return (device == DeviceKind::kCpu || backend::cuda_built()) && is_codable_float(dtype);
  }
  Estimate estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const override;
  int64_t payload_bound(int64_t numel, DType dtype, const SideInfo& side) const override {
    check_size(numel, dtype);
    const Grid g = checked_grid(spec().name, side, numel);
    return lfc_layout(g, blocks_of(g, block_), numel, bits_).bytes;
  }
  std::optional<int64_t> encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                const CodecContext& context) const override;
  void decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
              const CodecContext& context) const override;
  Part part_of(int64_t, const SideInfo&) const override { return Part::kMaps; }

 private:
  BlockTensor tensor(const Grid& grid, int64_t numel, DType dtype) const {
    return {grid, blocks_of(grid, block_), numel, dtype};
  }

  int64_t block_;
  int bits_;
};

Estimate Lfc::estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const {
  Estimate e;
  e.bytes = payload_bound(numel, dtype, side);
  const Grid g = checked_grid(spec().name, side, numel);
  const double levels = (1 << bits_) - 1;
  const double left = residual_share(g, block_);
  const double values = static_cast<double>(slab_positions(g));
  const double range =
      std::sqrt(stats.mean_square_group_range * left) * normal_range(values) / normal_range(kStatsGroup);
  // Sides are bfloat16: the minimum, minus half of the range, is 2^-9 of itself too low and a step 2^-8.5 too wide.
  const double step = range * (1 + 0x1p-9) / levels * (1 + 0x1p-8);
  e.mean_square_error = step * step / 6.0;
  // One cell for the whole map: E[(x - low)(high - x)] with the residual's mean in the middle.
  if (bits_ == 1) e.mean_square_error = std::max(0.0, step * step / 4 - stats.variance * left);
  const double raw = static_cast<double>(numel) * static_cast<double>(dtype_bytes(dtype));
  e.encode_seconds = raw / kLfcEncodeSpeed;
  e.decode_seconds = raw / kLfcDecodeSpeed;
  return e;
}

std::optional<int64_t> Lfc::encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                   const CodecContext& context) const {
  check_extent(in);
  const BlockTensor t = tensor(checked_grid(spec().name, side, in.numel), in.numel, in.dtype);
  const LfcLayout l = lfc_layout(t.grid, t.blocks, in.numel, bits_);
  check_room(out, l.bytes);
  Header h;
  h.magic = kLfcMagic;
  h.dtype = static_cast<uint8_t>(in.dtype);
  h.bits = static_cast<uint8_t>(bits_);
  h.kind = static_cast<uint8_t>(block_);
  h.numel = in.numel;
  h.payload_bytes = l.bytes;
  put_grid(t.grid, h);
  const uint64_t key = rng_key(context, kLfcMagic + static_cast<uint64_t>(bits_));
  if (context.device == DeviceKind::kCuda) {
    if (!is_mappable(t.grid)) return std::nullopt;
    device_encode_lfc(in.data, h, t, bits_, key, out.data(), context.poisoned, context.stream);
    return l.bytes;
  }
  write_header(h, out);
  zero_bytes(out, l.sides_end, l.averages);
  zero_bytes(out, l.averages_end, l.codes);
  const LfcSections to{reinterpret_cast<Sides*>(out.data() + l.sides),
                       reinterpret_cast<uint16_t*>(out.data() + l.averages), out.data() + l.codes};
  // A thread takes slabs that together are whole groups, since groups go across slabs.
  const int64_t together = kGroup / std::gcd(slab_values(t.grid), kGroup);
  const int64_t grain = ceil_div(kGrain * kGroup, together * slab_values(t.grid));
  const bool ok = parallel_all(context, ceil_div(t.grid.outer, together), grain, [&](int64_t begin, int64_t end) {
    return encode_slabs(in.data, t, bits_, key, begin * together, std::min(end * together, t.grid.outer), to);
  });
  if (!ok) return std::nullopt;
  return l.bytes;
}

void Lfc::decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
                 const CodecContext& context) const {
  check_size(numel, dtype);
  check_out(out, numel);
  if (context.device == DeviceKind::kCuda) {
    check_least_length(payload, kHeaderBytes + group_count(numel) * code_bytes(bits_));
    return device_decode_lfc(payload, block_, numel, bits_, dtype, out, context.stream);
  }
  const Header h = read_header(payload, kLfcMagic, spec().name, numel, dtype);
  if (h.bits != bits_ || h.kind != block_) throw CodecError(to_string(spec()) + ": the payload has other parameters");
  const BlockTensor t = tensor(get_grid(spec().name, h), numel, dtype);
  const LfcLayout l = lfc_layout(t.grid, t.blocks, numel, bits_);
  if (h.payload_bytes != l.bytes) throw_damaged(spec().name, "its length does not fit its header");
  const auto* sides = reinterpret_cast<const Sides*>(payload.data() + l.sides);
  const auto* averages = reinterpret_cast<const uint16_t*>(payload.data() + l.averages);
  const bool stream = backend::streams_out(out, numel * dtype_bytes(dtype));
  parallel_for(context, group_count(numel), kGrain, [&](int64_t begin, int64_t end) {
    decode_slabs(sides, averages, payload.data() + l.codes, t, bits_, begin, end, out, stream);
  });
}

}  // namespace

std::shared_ptr<const Codec> make_lfc(CodecSpec spec) { return std::make_shared<Lfc>(std::move(spec)); }

}  // namespace cinch::codec
