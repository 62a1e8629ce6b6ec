// group_quant with average_bits: group_quant's sides and codes, with a width for each group.
#include <bit>
#include <cstring>

#include "src/backend/cpu/streaming.h"
#include "src/backend/cuda/runtime.h"
#include "src/codec/fixed_rate/allot.h"
#include "src/codec/fixed_rate/average_estimate.h"
#include "src/codec/fixed_rate/average_layout.h"
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

// Values that are coded, or room for them. A short last group is on the stack of whoever looks at it.
template <class Byte>
struct Values {
  Byte* data;
  int64_t whole;  // groups
  int64_t rest;   // values after them
  int64_t width;  // bytes of a value

  Byte* group(int64_t g) const { return data + g * kGroup * width; }
};

class GroupQuantAverage final : public CodecBase {
 public:
  explicit GroupQuantAverage(CodecSpec spec)
      : CodecBase(std::move(spec)),
        average_bits_(this->spec().get_double("average_bits", 0)),
        nearest_(this->spec().get_string("rounding", "stochastic") == "nearest") {}

  ErrorClass error_class() const noexcept override { return nearest_ ? ErrorClass::kBounded : ErrorClass::kUnbiased; }
  bool supports(DType dtype, DeviceKind device) const noexcept override {
    return (device == DeviceKind::kCpu || backend::cuda_built()) && is_codable_float(dtype);
  }
  Estimate estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const override;
  int64_t payload_bound(int64_t numel, DType dtype, const SideInfo&) const override {
    return layout(numel, dtype).bytes;
  }
  std::optional<int64_t> encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                const CodecContext& context) const override;
  void decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
              const CodecContext& context) const override;

 private:
  AverageLayout layout(int64_t numel, DType dtype) const {
    check_size(numel, dtype);
    if (numel > kMostAverageValues) {
      throw CodecError(to_string(spec()) + ": " + std::to_string(numel) + " values are too many for average_bits, at " +
                       "most " + std::to_string(kMostAverageValues) + " are allowed");
    }
    return AverageLayout::of(numel, average_bits_);
  }
  Header header(const AverageLayout& l, int64_t numel, DType dtype) const {
    Header h;
    h.magic = kAverageMagic;
    h.dtype = static_cast<uint8_t>(dtype);
    h.kind = nearest_ ? 1 : 0;
    h.numel = numel;
    h.payload_bytes = l.bytes;
    h.words[0] = l.units;
    return h;
  }
  void check_header(const Header& h, const AverageLayout& l) const {
    if (h.words[0] != l.units || h.kind != (nearest_ ? 1 : 0))
      throw CodecError(to_string(spec()) + ": the payload has other parameters");
    if (h.payload_bytes != l.bytes) throw_damaged(spec().name, "its length does not fit its header");
  }

  double average_bits_;
  bool nearest_;
};

Estimate GroupQuantAverage::estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo&) const {
  const AverageLayout l = layout(numel, dtype);
  Estimate e;
  e.bytes = l.bytes;
  if (l.groups > 0) {
    const double allotted = static_cast<double>(l.units) / static_cast<double>(l.groups);
    e.mean_square_error = average_bits_error(stats, allotted, nearest_, dtype);
  }
  const double raw = static_cast<double>(numel) * static_cast<double>(dtype_bytes(dtype));
  e.encode_seconds = raw / kGroupQuantAverageEncodeSpeed;
  e.decode_seconds = raw / kGroupQuantAverageDecodeSpeed;
  return e;
}

// Ranges of all groups, to the places of their sides.
bool measure_all(const Values<const std::byte>& values, DType dtype, Sides* sides, const CodecContext& context) {
  const bool ok = parallel_all(context, values.whole, kAverageChunk, [&](int64_t begin, int64_t end) {
    return measure_groups(values.group(begin), end - begin, dtype, kSmallestRange, sides + begin);
  });
  if (!ok || values.rest == 0) return ok;
  alignas(64) std::byte tail[kGroup * 4];
  fill_tail(values.group(values.whole), values.rest, values.width, tail);
  return measure_groups(tail, 1, dtype, kSmallestRange, sides + values.whole);
}

// Widths and offsets of all groups; returns the units that were used.
int64_t allot(const AverageLayout& l, const WrittenSections& out) {
  Allotment allotment({out.sides, static_cast<size_t>(l.groups)}, l.units);
  int64_t used = 0;
  for (int64_t g = 0; g < l.groups;) {
    if (g % kAverageChunk == 0) out.offsets[g / kAverageChunk] = used;
    unsigned byte = 0;
    for (int64_t i = 0; i < kWidthsOfByte && g < l.groups; ++i, ++g) {
      const auto bits = static_cast<unsigned>(allotment.next(out.sides[g].step));
      used += bits;
      if (bits > 0) byte |= static_cast<unsigned>(std::countr_zero(bits)) << (2 * i);
    }
    out.widths[(g - 1) / kWidthsOfByte] = static_cast<std::byte>(byte);
  }
  return used;
}

// Groups without codes.
void decode_constant(const Sides* sides, int64_t count, DType dtype, std::byte* out, int64_t width, bool stream) {
  alignas(64) static constexpr std::byte kZeros[kUnitBytes] = {};
  for (int64_t i = 0; i < count; ++i) decode_groups(sides + i, kZeros, 1, 1, dtype, out + i * kGroup * width, stream);
}

std::optional<int64_t> GroupQuantAverage::encode(const Extent& in, const SideInfo&, std::span<std::byte> out,
                                                 const CodecContext& context) const {
  check_extent(in);
  const AverageLayout l = layout(in.numel, in.dtype);
  check_room(out, l.bytes);
  const Header h = header(l, in.numel, in.dtype);
  const uint64_t key = rng_key(context, kAverageMagic);
  if (context.device == DeviceKind::kCuda) {
    device_encode_average(in.data, h, l, {0, nearest_, in.dtype, key}, out.data(), context.poisoned, context.stream);
    return l.bytes;
  }
  write_header(h, out);
  const WrittenSections to(out.data(), l);
  const Values<const std::byte> values{static_cast<const std::byte*>(in.data), in.numel / kGroup, in.numel % kGroup,
                                       dtype_bytes(in.dtype)};
  if (!measure_all(values, in.dtype, to.sides, context)) return std::nullopt;
  const int64_t used = allot(l, to);
  zero_bytes(out, l.widths_at + ceil_div(l.groups, kWidthsOfByte), l.codes_at);
  zero_bytes(out, l.codes_at + used * kUnitBytes, l.bytes);

  const bool ok = parallel_all(context, l.groups, kAverageChunk, [&](int64_t begin, int64_t end) {
    alignas(64) std::byte tail[kGroup * 4];
    bool all = true;
    for (int64_t first = begin; first < end; first += kAverageChunk) {
      const int64_t chunk = first / kAverageChunk;
      std::byte* codes = to.codes + to.offsets[chunk] * kUnitBytes;
      for_each_run(read_widths(to, chunk, l), values.whole - first,
                   [&](int64_t i, int64_t count, int bits, int64_t units) {
                     if (bits == 0) return;  // constant: its sides are there already
                     const int64_t g = first + i;
                     if (g == values.whole) fill_tail(values.group(g), values.rest, values.width, tail);
                     all &= encode_groups(g == values.whole ? tail : values.group(g), count, g,
                                          {bits, nearest_, in.dtype, key}, to.sides + g, codes + units * kUnitBytes);
                   });
    }
    return all;
  });
  if (!ok) return std::nullopt;
  return l.bytes;
}

void GroupQuantAverage::decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
                               const CodecContext& context) const {
  const AverageLayout l = layout(numel, dtype);
  check_out(out, numel);
  if (context.device == DeviceKind::kCuda) {
    check_length(payload, l.bytes);
    return device_decode_average(payload.data(), l, numel, dtype, out, context.stream);
  }
  check_header(read_header(payload, kAverageMagic, spec().name, numel, dtype), l);
  const ReadSections from(payload.data(), l);
  const Values<std::byte> values{static_cast<std::byte*>(out), numel / kGroup, numel % kGroup, dtype_bytes(dtype)};
  const bool stream = backend::streams_out(out, numel * values.width);
  const bool ok = parallel_all(context, l.groups, kAverageChunk, [&](int64_t begin, int64_t end) {
    alignas(64) std::byte tail[kGroup * 4];
    for (int64_t first = begin; first < end; first += kAverageChunk) {
      const int64_t chunk = first / kAverageChunk, offset = from.offsets[chunk];
      const ChunkWidths widths = read_widths(from, chunk, l);
      // What is read lies within the codes, and chunks follow each other.
      if (offset < 0 || offset > l.units || widths.units > l.units - offset) return false;
      if (chunk + 1 < l.chunks && from.offsets[chunk + 1] != offset + widths.units) return false;
      const std::byte* codes = from.codes + offset * kUnitBytes;
      for_each_run(widths, values.whole - first, [&](int64_t i, int64_t count, int bits, int64_t units) {
        const int64_t g = first + i;
        const bool is_tail = g == values.whole, past_caches = stream && !is_tail;
        std::byte* to = is_tail ? tail : values.group(g);
        if (bits > 0) {
          decode_groups(from.sides + g, codes + units * kUnitBytes, count, bits, dtype, to, past_caches);
        } else {
          decode_constant(from.sides + g, count, dtype, to, values.width, past_caches);
        }
        if (is_tail) std::memcpy(values.group(g), tail, static_cast<size_t>(values.rest * values.width));
      });
    }
    if (stream) finish_streaming();
    return true;
  });
  if (!ok) throw_damaged(spec().name, "the widths of its groups do not fit their offsets");
}

}  // namespace

std::shared_ptr<const Codec> make_group_quant_average(CodecSpec spec) {
  return std::make_shared<GroupQuantAverage>(std::move(spec));
}

}  // namespace cinch::codec
