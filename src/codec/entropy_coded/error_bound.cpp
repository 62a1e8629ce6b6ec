#include <cmath>
#include <cstring>

#include "src/backend/cpu/streaming.h"
#include "src/backend/cuda/runtime.h"
#include "src/codec/entropy_coded/bound_fit.h"
#include "src/codec/entropy_coded/bound_slots.h"
#include "src/codec/entropy_coded/device.h"
#include "src/codec/entropy_coded/error_bound_layout.h"
#include "src/codec/entropy_coded/estimate.h"
#include "src/codec/entropy_coded/payload.h"
#include "src/codec/registry.h"
#include "src/codec/stage/codec_base.h"
#include "src/codec/stage/measured.h"
#include "src/codec/stage/rng.h"
#include "src/codec/stage/speed.h"
#include "src/codec/stage/tensor_scale.h"

namespace cinch::codec {
namespace {

// Values of a chunk share their dither: at equal steps the gradient of a ResNet-18 has 1.5 (0.3 deviations) to 2.1
// (1.4) times the noise that independent dithers make (docs/results/gradient.json).
constexpr double kOneDitherCorrelation = 2.0;

Predict predict_of(const std::string& name) {
  if (name == "none") return Predict::kNone;
  return name == "lorenzo" ? Predict::kLorenzo : Predict::kAuto;
}

// error_bound, and dither where neighbours predict: levels then begin at a place that is drawn for each chunk.
class ErrorBound final : public CodecBase, public TensorScaled, public LooksAtGrid {
 public:
  ErrorBound(CodecSpec spec, const BoundAim& aim) : CodecBase(std::move(spec)), aim_(aim) {}

  ErrorClass error_class() const noexcept override {
    return aim_.dithered ? ErrorClass::kUnbiased : ErrorClass::kBounded;
  }
  bool supports(DType dtype, DeviceKind device) const noexcept override {
    return (device == DeviceKind::kCpu || backend::cuda_built()) && is_codable_float(dtype);
  }
  bool keeps_zeros(DType dtype) const noexcept override { return is_codable_float(dtype); }
  Estimate estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const override;
  int64_t payload_bound(int64_t numel, DType dtype, const SideInfo& side) const override {
    check_size(numel, dtype);
    checked_grid(spec().name, side, numel);
    return std::max(
        (aim_.dithered ? kKeyBytes : 0) + entropy_bytes(numel, dtype, 8 * static_cast<double>(dtype_bytes(dtype))),
        default_slots(numel, dtype).payload_bytes());
  }
  std::optional<int64_t> measure(const Extent& in, const SideInfo& side, const CodecContext& context) const override;
  std::optional<int64_t> expected_bytes(const Extent& in, const SideInfo& side,
                                        const CodecContext& context) const override;
  std::optional<int64_t> encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                const CodecContext& context) const override;
  void decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
              const CodecContext& context) const override;
  std::optional<AtScale> at_scale_of(const Extent& in, const SideInfo& side,
                                     const CodecContext& context) const override;
  Part part_of(int64_t, const SideInfo&) const override { return Part::kPieces; }

 private:
  // What a kernel has for its chunks where nobody knows better.
  Slots default_slots(int64_t numel, DType dtype) const {
    if (!aim_.dithered) return bound_slots(numel, dtype, aim_);
    return slots_for(dither_slot_bits(2 * aim_.bound), numel, dtype_bytes(dtype), kBoundSides);
  }
  std::optional<int64_t> encode_on_device(const Extent& in, const Grid& grid, std::span<std::byte> out,
                                          const CodecContext& context) const;
  void decode_on_device(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
                        const CodecContext& context) const;
  std::optional<BoundFit> fit(const Extent& in, const Grid& grid, const CodecContext& context) const {
    return fit_bound(in, grid, aim_, rng_key(context, kBoundMagic), context);
  }
  uint64_t fit_key(const Grid& grid, const CodecContext& context) const {
    return measured_key(rng_key(context, kBoundMagic), grid, aim_.bound);
  }

  BoundAim aim_;
};

std::optional<int64_t> ErrorBound::measure(const Extent& in, const SideInfo& side, const CodecContext& context) const {
  check_extent(in);
  const int64_t bound = payload_bound(in.numel, in.dtype, side);
  if (context.device == DeviceKind::kCuda) return default_slots(in.numel, in.dtype).payload_bytes();
  forget_measured(context);
  if (in.numel == 0) return bound;
  const Grid grid = grid_in_header(checked_grid(spec().name, side, in.numel));
  const auto sample = fit(in, grid, context);
  if (!sample) return std::nullopt;
  leave_measured(context, this, in, fit_key(grid, context), *sample);
  const int64_t bytes = entropy_bytes(in.numel, in.dtype, sample->code.bits_of_value * 1.08 + 0.05);
  return std::min(bound, sides_of(sample->quantiser) + bytes);
}

std::optional<int64_t> ErrorBound::expected_bytes(const Extent& in, const SideInfo& side,
                                                  const CodecContext& context) const {
  if (context.device == DeviceKind::kCuda || in.numel == 0) return measure(in, side, context);
  check_extent(in);
  const auto sample = fit(in, grid_in_header(checked_grid(spec().name, side, in.numel)), context);
  if (!sample) return std::nullopt;
  return sides_of(sample->quantiser) + expected_entropy_bytes(in.numel, sample->code.bits_of_value);
}

std::optional<AtScale> ErrorBound::at_scale_of(const Extent& in, const SideInfo& side,
                                               const CodecContext& context) const {
  check_extent(in);
  const auto sample = fit(in, grid_in_header(checked_grid(spec().name, side, in.numel)), context);
  if (!sample) return std::nullopt;
  const BoundQuantiser& q = sample->quantiser;
  const BoundAim aim{static_cast<double>(q.levels.bound), BoundUnit::kAbsolute,
                     q.lorenzo ? Predict::kLorenzo : Predict::kNone, aim_.dithered};
  return AtScale{std::make_shared<ErrorBound>(spec(), aim),
                 sides_of(q) + expected_entropy_bytes(in.numel, sample->code.bits_of_value)};
}

std::optional<int64_t> ErrorBound::encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                          const CodecContext& context) const {
  check_extent(in);
  const Grid grid = grid_in_header(checked_grid(spec().name, side, in.numel));
  if (context.device == DeviceKind::kCuda) return encode_on_device(in, grid, out, context);
  BoundFit fitted;
  if (in.numel > 0) {
    auto sample = take_measured<BoundFit>(context, this, in, fit_key(grid, context));
    if (!sample) sample = fit(in, grid, context);
    if (!sample) return std::nullopt;
    fitted = *sample;
  }
  const BoundQuantiser& q = fitted.quantiser;
  const int64_t begin = chunks_offset(in.numel), sides = sides_of(q);
  check_room(out, begin + sides + kSlack);
  zero_bytes(out, begin, begin + sides);
  if (sides > 0) std::memcpy(out.data() + begin, &q.key, sizeof q.key);
  const CodeTable table(fitted.code.lengths, q.alphabet.literal());
  const Axes axes(grid);
  Header h;
  h.magic = kBoundMagic;
  h.dtype = static_cast<uint8_t>(in.dtype);
  h.numel = in.numel;
  put_bound_quantiser(q, grid, h);
  const auto* data = static_cast<const std::byte*>(in.data);
  return encode_payload(context, h, fitted.code.lengths, sides, out, [&](ChunkRange r, std::byte* room) {
    return encode_bound_chunk(data + r.first * dtype_bytes(in.dtype), in.dtype, r.count, r.first, q, axes, table, room);
  });
}

// All the room that is given, but no more than is asked for.
std::optional<int64_t> ErrorBound::encode_on_device(const Extent& in, const Grid& grid, std::span<std::byte> out,
                                                    const CodecContext& context) const {
  Slots slots = default_slots(in.numel, in.dtype);
  if (static_cast<int64_t>(out.size()) < slots.payload_bytes()) {
    slots = bound_slots_of(static_cast<int64_t>(out.size()), in.numel);
    check_room(out, Slots{in.numel, std::max(slots.group_bytes, Slots::kLeast), kBoundSides}.payload_bytes());
  }
  device_bound_encode(in.data, in.dtype, slots, aim_, grid, rng_key(context, kBoundMagic), out.data(),
                      {context.poisoned, context.coarsened}, context.stream);
  return slots.payload_bytes();
}

void ErrorBound::decode_on_device(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
                                  const CodecContext& context) const {
  const Slots slots = bound_slots_of(static_cast<int64_t>(payload.size()), numel);
  check_length(payload,
               Slots{numel, numel > 0 ? std::max(slots.group_bytes, Slots::kLeast) : 0, kBoundSides}.payload_bytes());
  device_bound_decode(payload.data(), slots, dtype, out, context.stream);
}

void ErrorBound::decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
                        const CodecContext& context) const {
  check_size(numel, dtype);
  check_out(out, numel);
  if (context.device == DeviceKind::kCuda) return decode_on_device(payload, out, numel, dtype, context);
  const Header h = read_header(payload, kBoundMagic, spec().name, numel, dtype);
  if (h.payload_bytes < chunks_offset(numel) + kSlack) throw_damaged(spec().name, "its header makes no sense");
  Grid grid;
  BoundQuantiser q = get_bound_quantiser(spec().name, h, in_slots(h) ? 15 | kNoLevels : 15, &grid);
  if (numel == 0) return;
  if (q.dithered != aim_.dithered) throw_damaged(spec().name, "another method made it");
  if (in_slots(h)) return decode_bound_slots(spec().name, context, h, payload, q, grid, out);
  const int64_t sides = sides_of(q), begin = chunks_offset(numel);
  if (h.payload_bytes < begin + sides + kSlack) throw_damaged(spec().name, "it ends before its chunks");
  if (sides > 0) std::memcpy(&q.key, payload.data() + begin, sizeof q.key);
  const Axes axes(grid);
  const int64_t width = dtype_bytes(dtype);
  auto* values = static_cast<std::byte*>(out);
  const bool stream = backend::streams_out(out, numel * width);
  decode_payload(spec().name, context, h, sides, payload,
                 [&](std::span<const std::byte> chunk, const std::byte* limit, const DecodeTable& table, ChunkRange r) {
                   return decode_bound_chunk(chunk, limit, r.count, r.first, q, axes, table, dtype,
                                             values + r.first * width, stream);
                 });
}

// As if no value told anything of its neighbours.
Estimate ErrorBound::estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const {
  check_size(numel, dtype);
  checked_grid(spec().name, side, numel);
  const Nonzeros n = nonzeros_of(stats);
  const double unit = aim_.unit == BoundUnit::kRange       ? stats.max - stats.min
                      : aim_.unit == BoundUnit::kDeviation ? std::sqrt(stats.variance)
                                                           : 1.0;
  const double bound = aim_.bound * unit;
  double bits = n.which_bits, error = 0;
  if (n.share > 0 && bound > 0) {
    const double step = level_step(bound, stats.mean, std::sqrt(stats.variance), dtype);
    // No distribution of positive values and that second moment has more entropy than half a normal one.
    bits += n.share * normal_bits(stats.min >= 0 ? std::min(n.variance, n.second_moment / 4) : n.variance, step);
    // Beyond 253 symbols values are escapes.
    if (n.variance > 0)
      bits += n.share * 24 * std::erfc((Alphabet::kSingleSymbols - 1) * 0.5 * step / std::sqrt(2 * n.variance));
    error = n.share * std::min(step * step / 12, n.variance);
  }
  Estimate e = entropy_estimate(numel, dtype, bits, aim_.dithered ? kKeyBytes : 0, error, kErrorBoundEncodeSpeed,
                                kErrorBoundDecodeSpeed);
  if (aim_.dithered) e.error_correlation = kOneDitherCorrelation;
  return e;
}

}  // namespace

std::shared_ptr<const Codec> make_error_bound(CodecSpec spec) {
  const BoundAim aim{spec.get_double("bound", 0.01),
                     spec.get_bool("relative", true) ? BoundUnit::kRange : BoundUnit::kAbsolute,
                     predict_of(spec.get_string("predict", "auto")), false};
  return std::make_shared<ErrorBound>(std::move(spec), aim);
}

std::shared_ptr<const Codec> make_predicted_dither(CodecSpec spec) {
  const BoundAim aim{spec.get_double("step_sigma", 1.0) / 2, BoundUnit::kDeviation, Predict::kAuto, true};
  return std::make_shared<ErrorBound>(std::move(spec), aim);
}

}  // namespace cinch::codec
