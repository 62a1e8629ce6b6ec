#include <cmath>

#include "src/backend/cpu/streaming.h"
#include "src/backend/cuda/runtime.h"
#include "src/codec/entropy_coded/device.h"
#include "src/codec/entropy_coded/dither_chunk.h"
#include "src/codec/entropy_coded/dither_slots.h"
#include "src/codec/entropy_coded/estimate.h"
#include "src/codec/entropy_coded/fit.h"
#include "src/codec/entropy_coded/payload.h"
#include "src/codec/registry.h"
#include "src/codec/stage/codec_base.h"
#include "src/codec/stage/grid.h"
#include "src/codec/stage/measured.h"
#include "src/codec/stage/rng.h"
#include "src/codec/stage/speed.h"
#include "src/codec/stage/tensor_scale.h"

namespace cinch::codec {
namespace {

struct DitherFit : Fit {
  bool by_channel = false;
  int64_t sides(const Channels& channels) const { return by_channel ? channels_bytes(channels.grid) : 0; }
};

class Dither final : public CodecBase, public TensorScaled, public LooksAtGrid {
 public:
  // `step`: instead of step_sigma deviations of the tensor that is coded.
  explicit Dither(CodecSpec spec, std::optional<float> step = std::nullopt)
      : CodecBase(std::move(spec)),
        step_(step),
        step_sigma_(this->spec().get_double("step_sigma", 1.0)),
        predict_channel_(this->spec().get_string("predict", "none") == "channel") {}

  ErrorClass error_class() const noexcept override { return ErrorClass::kUnbiased; }
  bool supports(DType dtype, DeviceKind device) const noexcept override {
    return (device == DeviceKind::kCpu || backend::cuda_built()) && is_codable_float(dtype);
  }
  // Not in float16: the smallest decoded values, 2^-17 of a step, may be below its range.
  bool keeps_zeros(DType dtype) const noexcept override {
    return dtype == DType::kFloat32 || dtype == DType::kBFloat16;
  }
  Estimate estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const override;
  int64_t payload_bound(int64_t numel, DType dtype, const SideInfo& side) const override {
    check_size(numel, dtype);
    const int64_t sides = sides_bound(numel, side);
    return std::max(sides + entropy_bytes(numel, dtype, most_bits()),
                    default_slots(numel, dtype, sides).payload_bytes());
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
  Part part_of(int64_t numel, const SideInfo& side) const override {
    return channel_grid(numel, side) ? Part::kChannels : Part::kGroups;
  }

 private:
  double most_bits() const { return dither_slot_bits(step_sigma_); }
  // What a kernel has for its chunks where nobody knows better.
  Slots default_slots(int64_t numel, DType dtype, int64_t sides) const {
    return slots_for(most_bits(), numel, dtype_bytes(dtype), sides);
  }
  int64_t encode_on_device(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                           const CodecContext& context) const;
  void decode_on_device(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
                        const CodecContext& context) const;
  // The grid of a tensor whose channels are told apart; nullopt: they are not.
  std::optional<Grid> channel_grid(int64_t numel, const SideInfo& side) const {
    if (!predict_channel_ || !side.grid || numel == 0) return std::nullopt;
    const Grid grid = checked_grid(spec().name, side, numel);
    return has_channels(grid, numel) ? std::optional<Grid>(grid) : std::nullopt;
  }
  int64_t sides_bound(int64_t numel, const SideInfo& side) const {
    const auto grid = channel_grid(numel, side);
    return grid ? channels_bytes(*grid) : 0;
  }
  // Fills `channels` where the result says that they are used.
  std::optional<DitherFit> fit(const Extent& in, const SideInfo& side, const CodecContext& context,
                               Channels& channels) const;
  uint64_t fit_key(int64_t numel, const SideInfo& side, const CodecContext& context) const {
    return measured_key(rng_key(context, kEntropyMagic), channel_grid(numel, side),
                        step_ ? double{*step_} : step_sigma_);
  }
  Header check(std::span<const std::byte> payload, int64_t numel, DType dtype) const;

  std::optional<float> step_;
  double step_sigma_;
  bool predict_channel_;
};

// nullopt: nothing finite, or a scale beyond what float32 can work with.
std::optional<DitherFit> Dither::fit(const Extent& in, const SideInfo& side, const CodecContext& context,
                                     Channels& channels) const {
  Scale scale = sample_scale(in, context);
  Quantiser q;
  q.key = rng_key(context, kEntropyMagic);
  if (!set_steps(scale, step_sigma_, q)) return std::nullopt;
  if (step_ && scale.sigma != 0) q.step = *step_;
  const auto grid = scale.sigma == 0 ? std::nullopt : channel_grid(in.numel, side);
  if (!grid) return DitherFit{fit_code(in.data, in.dtype, in.numel, q, scale)};
  sample_channels(in, *grid, channels);
  q.offset = 0;
  q.step = static_cast<float>(step_sigma_);
  Scale deviations;
  deviations.sigma = 1;
  return DitherFit{fit_code(in.data, in.dtype, in.numel, q, deviations, &channels), true};
}

std::optional<int64_t> Dither::measure(const Extent& in, const SideInfo& side, const CodecContext& context) const {
  check_extent(in);
  if (context.device == DeviceKind::kCuda)
    return default_slots(in.numel, in.dtype, sides_bound(in.numel, side)).payload_bytes();
  const int64_t bound = payload_bound(in.numel, in.dtype, side);
  forget_measured(context);
  if (in.numel == 0) return bound;
  Channels channels;
  const auto sample = fit(in, side, context, channels);
  if (!sample) return std::nullopt;
  // Sides of channels are too large to be left, and are sampled once more.
  if (!sample->by_channel) leave_measured(context, this, in, fit_key(in.numel, side, context), *sample);
  const int64_t bytes = entropy_bytes(in.numel, in.dtype, sample->code.bits_of_value * 1.08 + 0.05);
  return std::min(bound, sample->sides(channels) + bytes);
}

std::optional<int64_t> Dither::expected_bytes(const Extent& in, const SideInfo& side,
                                              const CodecContext& context) const {
  if (context.device == DeviceKind::kCuda || in.numel == 0) return measure(in, side, context);
  check_extent(in);
  Channels channels;
  const auto sample = fit(in, side, context, channels);
  if (!sample) return std::nullopt;
  return sample->sides(channels) + expected_entropy_bytes(in.numel, sample->code.bits_of_value);
}

std::optional<AtScale> Dither::at_scale_of(const Extent& in, const SideInfo& side, const CodecContext& context) const {
  check_extent(in);
  Channels channels;
  const auto sample = fit(in, side, context, channels);
  if (!sample) return std::nullopt;
  // Steps of channels are in their deviations already.
  return AtScale{
      std::make_shared<Dither>(spec(), sample->by_channel ? std::nullopt : std::optional(sample->quantiser.step)),
      sample->sides(channels) + expected_entropy_bytes(in.numel, sample->code.bits_of_value)};
}

std::optional<int64_t> Dither::encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                      const CodecContext& context) const {
  check_extent(in);
  if (context.device == DeviceKind::kCuda) return encode_on_device(in, side, out, context);
  DitherFit fitted;
  Channels channels;
  if (in.numel > 0) {
    auto sample = take_measured<DitherFit>(context, this, in, fit_key(in.numel, side, context));
    if (!sample) sample = fit(in, side, context, channels);
    if (!sample) return std::nullopt;
    fitted = *sample;
  }
  const int64_t begin = chunks_offset(in.numel), sides = fitted.sides(channels);
  check_room(out, begin + sides + kSlack);
  if (fitted.by_channel) store_channels(channels, out.data() + begin);
  const CodeTable table(fitted.code.lengths, fitted.quantiser.literal());
  Header h;
  h.magic = kEntropyMagic;
  h.dtype = static_cast<uint8_t>(in.dtype);
  h.numel = in.numel;
  put_quantiser(fitted.quantiser, h);
  if (fitted.by_channel) h.kind |= kByChannel;
  const auto* data = static_cast<const std::byte*>(in.data);
  const DitherTensor tensor{in.dtype, fitted.quantiser, fitted.by_channel ? &channels : nullptr};
  return encode_payload(context, h, fitted.code.lengths, sides, out, [&](ChunkRange r, std::byte* room) {
    return encode_dither_chunk(data + r.first * dtype_bytes(in.dtype), tensor, r.count, r.first / kLetterGroup, table,
                               room);
  });
}

// All the room that is given, but no more than is asked for: whoever knows better than a normal distribution gives
// less.
int64_t Dither::encode_on_device(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                 const CodecContext& context) const {
  const auto grid = channel_grid(in.numel, side);
  const int64_t sides = grid ? channels_bytes(*grid) : 0;
  Slots slots = default_slots(in.numel, in.dtype, sides);
  if (static_cast<int64_t>(out.size()) < slots.payload_bytes()) {
    slots = slots_of(static_cast<int64_t>(out.size()), in.numel, sides);
    check_room(out, Slots{in.numel, std::max(slots.group_bytes, Slots::kLeast), sides}.payload_bytes());
  }
  device_dither_encode(in.data, in.dtype, slots, step_sigma_, grid ? &*grid : nullptr, rng_key(context, kEntropyMagic),
                       out.data(), {context.poisoned, context.coarsened}, context.stream);
  return slots.payload_bytes();
}

void Dither::decode_on_device(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
                              const CodecContext& context) const {
  const Slots slots = slots_of(static_cast<int64_t>(payload.size()), numel);
  check_length(payload, Slots{numel, numel > 0 ? std::max(slots.group_bytes, Slots::kLeast) : 0}.payload_bytes());
  if (predict_channel_) return device_dither_channels_decode(payload, numel, dtype, out, context.stream);
  device_dither_decode(payload.data(), slots, dtype, out, context.stream);
}

Header Dither::check(std::span<const std::byte> payload, int64_t numel, DType dtype) const {
  const Header h = read_header(payload, kEntropyMagic, spec().name, numel, dtype);
  const Quantiser q = get_quantiser(h);
  const int64_t base = in_slots(h) ? int64_t{q.base} : h.words[3];
  const bool slots = in_slots(h), kind = h.kind <= (slots ? 7 | kNothingFinite : 7);
  if (h.payload_bytes < chunks_offset(numel) + kSlack || h.flags > kInSlots || !kind || !(q.step > 0) ||
      !std::isfinite(q.step) || !std::isfinite(q.offset) || base < -4096 || base > 4096)
    throw_damaged(spec().name, "its header makes no sense");
  return h;
}

void Dither::decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
                    const CodecContext& context) const {
  check_size(numel, dtype);
  check_out(out, numel);
  if (context.device == DeviceKind::kCuda) return decode_on_device(payload, out, numel, dtype, context);
  const Header h = check(payload, numel, dtype);
  if (numel == 0) return;
  if (in_slots(h)) return decode_dither_slots(spec().name, context, h, payload, out);
  const Quantiser q = get_quantiser(h);
  Channels channels;
  DitherTensor tensor{dtype, q};
  int64_t sides = 0;
  if ((h.kind & kByChannel) != 0) {
    sides = load_channels(spec().name, behind_ends(h, payload), numel, channels);
    tensor.channels = &channels;
  }
  const int64_t width = dtype_bytes(dtype);
  auto* values = static_cast<std::byte*>(out);
  const bool stream = backend::streams_out(out, numel * width);
  decode_payload(spec().name, context, h, sides, payload,
                 [&](std::span<const std::byte> chunk, const std::byte* limit, const DecodeTable& table, ChunkRange r) {
                   return decode_dither_chunk(chunk, limit, tensor, r.count, r.first / kLetterGroup, table,
                                              values + r.first * width, stream);
                 });
}

Estimate Dither::estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const {
  check_size(numel, dtype);
  const Nonzeros n = nonzeros_of(stats);
  const double step = step_sigma_ * std::sqrt(stats.variance);
  const double bits = n.which_bits + (step > 0 ? n.share * normal_bits(n.variance, step) : 0.0);
  return entropy_estimate(numel, dtype, bits, sides_bound(numel, side), n.share * step * step / 12, kDitherEncodeSpeed,
                          kDitherDecodeSpeed);
}

}  // namespace

std::shared_ptr<const Codec> make_dither(CodecSpec spec) {
  if (spec.get_double("average_bits", 0) != 0) return make_dither_to_bits(std::move(spec));
  if (spec.get_string("predict", "none") == "lorenzo") return make_predicted_dither(std::move(spec));
  return std::make_shared<Dither>(std::move(spec));
}

}  // namespace cinch::codec
