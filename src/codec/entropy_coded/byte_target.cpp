// dither with average_bits: the finest step whose payload keeps to so many bits a value. The payload is dither's own.
#include <algorithm>
#include <array>
#include <cmath>

#include "src/codec/entropy_coded/payload.h"
#include "src/codec/registry.h"
#include "src/codec/stage/codec_base.h"
#include "src/codec/stage/grid.h"
#include "src/codec/stage/tensor_scale.h"

namespace cinch::codec {
namespace {

// Steps are 2^(k / 16) deviations, from 1/32 to 8.
constexpr int kStepsOfOctave = 16, kOctaves = 8, kSteps = kOctaves * kStepsOfOctave + 1;

// Multiplied up rather than by a library's exp2, whose last bits differ between machines.
double step_number(int k) noexcept {
  constexpr double kRatio = 1.0442737824274138;  // 2^(1/16)
  double step = std::ldexp(1.0, k / kStepsOfOctave - 5);
  for (int i = k % kStepsOfOctave; i > 0; --i) step *= kRatio;
  return step;
}

class ByteTarget final : public CodecBase, public TensorScaled, public LooksAtGrid {
 public:
  explicit ByteTarget(CodecSpec spec) : CodecBase(std::move(spec)), bits_(this->spec().get_double("average_bits", 0)) {
    for (int k = 0; k < kSteps; ++k) {
      CodecSpec at_step = this->spec();
      at_step.params["average_bits"] = 0.0;
      at_step.params["step_sigma"] = step_number(k);
      steps_[static_cast<size_t>(k)] = make_dither(std::move(at_step));
    }
  }

  ErrorClass error_class() const noexcept override { return ErrorClass::kUnbiased; }
  bool supports(DType dtype, DeviceKind device) const noexcept override {
    return device == DeviceKind::kCpu && step(0).supports(dtype, device);
  }
  bool keeps_zeros(DType dtype) const noexcept override { return step(0).keeps_zeros(dtype); }
  Estimate estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const override;
  int64_t payload_bound(int64_t numel, DType dtype, const SideInfo& side) const override {
    check_size(numel, dtype);
    checked_grid(spec().name, side, numel);
    const auto coded = static_cast<int64_t>(std::ceil(static_cast<double>(numel) * bits_ / 8));
    return chunks_offset(numel) + kSlack + align64(coded);
  }
  std::optional<int64_t> measure(const Extent& in, const SideInfo& side, const CodecContext& context) const override {
    return in.numel == 0 || find(in, side, context) >= 0 ? std::optional(payload_bound(in.numel, in.dtype, side))
                                                         : std::nullopt;
  }
  std::optional<int64_t> expected_bytes(const Extent& in, const SideInfo& side,
                                        const CodecContext& context) const override {
    const int k = find(in, side, context);
    return k < 0 ? std::nullopt : step(k).expected_bytes(in, side, context);
  }
  std::optional<int64_t> encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                const CodecContext& context) const override;
  void decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
              const CodecContext& context) const override {
    step(0).decode(payload, out, numel, dtype, context);  // the step is the payload's
  }
  std::optional<AtScale> at_scale_of(const Extent& in, const SideInfo& side,
                                     const CodecContext& context) const override {
    const int k = find(in, side, context);
    return k < 0 ? std::nullopt : dynamic_cast<const TensorScaled&>(step(k)).at_scale_of(in, side, context);
  }
  Part part_of(int64_t numel, const SideInfo& side) const override {
    return dynamic_cast<const LooksAtGrid&>(step(0)).part_of(numel, side);
  }

 private:
  const Codec& step(int k) const noexcept { return *steps_[static_cast<size_t>(k)]; }
  // The finest step that `fits`, which coarser ones do as well; -1: not even the coarsest.
  template <class Fits>
  static int finest(Fits&& fits) {
    if (!fits(kSteps - 1)) return -1;
    int low = -1, high = kSteps - 1;
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      (fits(middle) ? high : low) = middle;
    }
    return high;
  }
  // Of these values, by what is expected of them. The sample may promise a little less than comes out.
  int find(const Extent& in, const SideInfo& side, const CodecContext& context) const {
    check_extent(in);
    const int64_t most = payload_bound(in.numel, in.dtype, side);
    return finest([&](int k) {
      const auto bytes = step(k).expected_bytes(in, side, context);
      return bytes && *bytes + *bytes / 64 <= most;
    });
  }

  double bits_;
  std::array<std::shared_ptr<const Codec>, kSteps> steps_;
};

std::optional<int64_t> ByteTarget::encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                          const CodecContext& context) const {
  check_extent(in);
  const size_t room = std::min(out.size(), static_cast<size_t>(payload_bound(in.numel, in.dtype, side)));
  const int found = in.numel == 0 ? kSteps - 1 : find(in, side, context);
  if (found < 0) return std::nullopt;
  // An unlucky sample: a tenth of a bit less, then more. Much more for tiny tensors, whose last group is filled up with
  // what their code does not know.
  for (const int coarser : {0, 2, 4, 8, 16, 32, 64}) {
    if (found + coarser >= kSteps) break;
    if (const auto bytes = step(found + coarser).encode(in, side, out.first(room), context)) return bytes;
  }
  return std::nullopt;
}

Estimate ByteTarget::estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const {
  const int64_t most = payload_bound(numel, dtype, side);
  const int k = finest([&](int at) { return step(at).estimate(stats, numel, dtype, side).bytes <= most; });
  Estimate e = step(k < 0 ? kSteps - 1 : k).estimate(stats, numel, dtype, side);
  e.bytes = most;
  return e;
}

}  // namespace

std::shared_ptr<const Codec> make_dither_to_bits(CodecSpec spec) {
  return std::make_shared<ByteTarget>(std::move(spec));
}

}  // namespace cinch::codec
