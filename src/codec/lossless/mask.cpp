#include <cmath>
#include <cstring>

#include "src/backend/cuda/runtime.h"
#include "src/codec/lossless/device.h"
#include "src/codec/lossless/surrogate.h"
#include "src/codec/registry.h"
#include "src/codec/stage/codec_base.h"
#include "src/codec/stage/plane.h"
#include "src/codec/stage/speed.h"

namespace cinch::codec {
namespace {

constexpr uint32_t kMagic = make_magic('C', 'M', 'K', '1');

bool is_float(DType dtype) { return is_codable_float(dtype) || dtype == DType::kFloat64; }

int64_t second_offset(int64_t numel) { return align64(kHeaderBytes + plane_bytes(numel)); }

int64_t mask_bytes(int64_t numel, bool two_planes) {
  return two_planes ? second_offset(numel) + plane_bytes(numel) : kHeaderBytes + plane_bytes(numel);
}

uint64_t load_pattern(const void* data, int64_t i, int64_t width) {
  uint64_t pattern = 0;
  std::memcpy(&pattern, static_cast<const std::byte*>(data) + i * width, static_cast<size_t>(width));
  return pattern;
}

// The two patterns of data that should have no third; the first one twice when there is only one.
Choice find_two(const Extent& in) {
  const int64_t width = dtype_bytes(in.dtype);
  if (in.numel == 0) return {};
  const uint64_t off = load_pattern(in.data, 0, width);
  uint64_t on = off;
  for (int64_t i = 1; i < in.numel && on == off; ++i) on = load_pattern(in.data, i, width);
  return {off, on, 0};
}

class Mask final : public CodecBase {
 public:
  using CodecBase::CodecBase;
  ErrorClass error_class() const noexcept override { return ErrorClass::kExact; }
  // Integers and booleans for kTwoValued alone.
  bool supports(DType dtype, DeviceKind device) const noexcept override {
    return (device == DeviceKind::kCpu || backend::cuda_built()) && dtype < DType::kOther;
  }

  Estimate estimate(const TensorStats&, int64_t numel, DType dtype, const SideInfo& side) const override {
    const double raw = static_cast<double>(numel) * static_cast<double>(dtype_bytes(dtype));
    return {payload_bound(numel, dtype, side), 0.0, raw / kMaskEncodeSpeed, raw / kMaskDecodeSpeed};
  }

  int64_t payload_bound(int64_t numel, DType dtype, const SideInfo& side) const override {
    check_size(numel, dtype);
    check_predicate(side.predicate, dtype);
    return mask_bytes(numel, side.predicate.kind == PredicateKind::kSign);
  }

  std::optional<int64_t> encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                const CodecContext& context) const override {
    check_extent(in);
    const Predicate& p = side.predicate;
    Header h;
    h.payload_bytes = payload_bound(in.numel, in.dtype, side);
    check_room(out, h.payload_bytes);
    const bool two_valued = p.kind == PredicateKind::kTwoValued;
    // The two values stand in device memory, where the host does not look; CUDA's own dropout keeps booleans instead.
    if (two_valued && context.device == DeviceKind::kCuda) return std::nullopt;
    const auto choice = two_valued ? find_two(in) : surrogates(p, in.dtype);
    if (!choice) return std::nullopt;
    h.magic = kMagic;
    h.dtype = static_cast<uint8_t>(in.dtype);
    h.bits = p.kind == PredicateKind::kSign ? 2 : 1;
    h.kind = static_cast<uint8_t>(p.kind);
    h.numel = in.numel;
    h.words[0] = static_cast<int64_t>(choice->off);
    h.words[1] = static_cast<int64_t>(choice->on);
    h.words[2] = static_cast<int64_t>(choice->second);
    if (context.device == DeviceKind::kCuda) {
      device_mask(in.data, h, p, out.data(), context.stream);
      return h.payload_bytes;
    }
    write_header(h, out);
    const int64_t width = dtype_bytes(in.dtype);
    auto* plane = reinterpret_cast<uint64_t*>(out.data() + kHeaderBytes);
    if (two_valued) {
      const bool ok =
          write_plane(context, in.data, in.numel, width, plane, [&](const void* values, int64_t words, uint64_t* to) {
            return pattern_plane(values, words, width, choice->off, choice->on, to);
          });
      return ok ? std::optional(h.payload_bytes) : std::nullopt;
    }
    write_plane(context, in.data, in.numel, width, plane, [&](const void* values, int64_t words, uint64_t* to) {
      predicate_plane(values, words, in.dtype, p, to);
      return true;
    });
    if (p.kind == PredicateKind::kSign) {
      zero_gap(out, in.numel);
      auto* second = reinterpret_cast<uint64_t*>(out.data() + second_offset(in.numel));
      write_plane(context, in.data, in.numel, width, second, [&](const void* values, int64_t words, uint64_t* to) {
        negative_plane(values, words, in.dtype, to);
        return true;
      });
    }
    return h.payload_bytes;
  }

  void decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
              const CodecContext& context) const override {
    check_size(numel, dtype);
    check_out(out, numel);
    if (context.device == DeviceKind::kCuda) {
      const bool two_planes = static_cast<int64_t>(payload.size()) != mask_bytes(numel, false);
      if (two_planes) check_length(payload, mask_bytes(numel, true));
      return device_choose(payload.data(), two_planes ? second_offset(numel) : 0, numel, dtype_bytes(dtype), out,
                           context.stream);
    }
    const Header h = read_header(payload, kMagic, spec().name, numel, dtype);
    if (h.bits < 1 || h.bits > 2 || h.payload_bytes != mask_bytes(numel, h.bits == 2)) {
      throw_damaged(spec().name, "its length does not fit its header");
    }
    const Choice choice{static_cast<uint64_t>(h.words[0]), static_cast<uint64_t>(h.words[1]),
                        static_cast<uint64_t>(h.words[2])};
    const auto* plane = reinterpret_cast<const uint64_t*>(payload.data() + kHeaderBytes);
    const auto* second =
        h.bits == 2 ? reinterpret_cast<const uint64_t*>(payload.data() + second_offset(numel)) : nullptr;
    read_plane(context, plane, second, numel, dtype_bytes(dtype), choice, out);
  }

 private:
  // The bytes between the planes are part of the payload: the same data must give the same bytes.
  static void zero_gap(std::span<std::byte> out, int64_t numel) {
    const int64_t begin = kHeaderBytes + plane_bytes(numel);
    std::memset(out.data() + begin, 0, static_cast<size_t>(second_offset(numel) - begin));
  }

  void check_predicate(const Predicate& p, DType dtype) const {
    if (p.kind == PredicateKind::kNone || p.kind > PredicateKind::kTwoValued) {
      throw CodecError("mask: a predicate is needed, SideInfo has \"" + std::string(cinch::to_string(p.kind)) + "\"");
    }
    if (p.kind != PredicateKind::kTwoValued && !is_float(dtype)) {
      throw CodecError("mask: predicate \"" + std::string(cinch::to_string(p.kind)) + "\" of " +
                       std::string(cinch::to_string(dtype)) + " is not supported");
    }
    if (std::isnan(p.lo) || std::isnan(p.hi)) throw CodecError("mask: a bound of the predicate is NaN");
  }
};

}  // namespace

std::shared_ptr<const Codec> make_mask(CodecSpec spec) { return std::make_shared<Mask>(std::move(spec)); }

}  // namespace cinch::codec
