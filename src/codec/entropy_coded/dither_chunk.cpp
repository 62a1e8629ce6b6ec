#include "src/codec/entropy_coded/dither_chunk.h"

#include <algorithm>
#include <cstring>

#include "src/core/float16.h"
#include "src/core/read_float.h"

namespace cinch::codec {
namespace {

// A raw value came from this dtype, so that the conversion is exact.
void put_value(std::byte* out, int64_t i, DType dtype, float value) noexcept {
  if (dtype == DType::kFloat32) {
    std::memcpy(out + i * 4, &value, 4);
    return;
  }
  const uint16_t bits = dtype == DType::kBFloat16 ? float_to_bf16(value) : float_to_fp16(value);
  std::memcpy(out + i * 2, &bits, 2);
}

struct DitherChunk : DitherTensor {
  int64_t numel, first;

  int64_t width() const noexcept { return dtype_bytes(dtype); }
  // Values from a group on, of `groups`, that the chunk has.
  int64_t count(int64_t group, int64_t groups) const noexcept {
    return std::clamp(numel - group * kLetterGroup, int64_t{0}, groups * kLetterGroup);
  }
  // Of a group's first value in the tensor.
  int64_t value(int64_t group) const noexcept { return (first + group) * kLetterGroup; }
};

class Source final : public ChunkSource {
 public:
  Source(const std::byte* in, const DitherChunk& chunk) : in_(in), c_(chunk) {}
  void letters(int64_t group, int64_t groups, uint8_t* out) noexcept override {
    const std::byte* values = in_ + group * kLetterGroup * c_.width();
    const int64_t count = c_.count(group, groups), whole = groups * kLetterGroup;
    // A short last group is filled up with zeros.
    if (c_.channels != nullptr) {
      alignas(64) float deviations[kGroupsOfStream * kLetterGroup];
      to_deviations(values, c_.dtype, c_.value(group), count, *c_.channels, deviations);
      std::fill(deviations + count, deviations + whole, 0.0f);
      values_to_letters(deviations, DType::kFloat32, groups, c_.first + group, c_.quantiser, out);
      return;
    }
    alignas(64) std::byte padded[kGroupsOfStream * kLetterGroup * 4];
    if (count < whole) {
      std::memcpy(padded, values, static_cast<size_t>(count * c_.width()));
      std::memset(padded + count * c_.width(), 0, static_cast<size_t>((whole - count) * c_.width()));
      values = padded;
    }
    values_to_letters(values, c_.dtype, groups, c_.first + group, c_.quantiser, out);
  }
  void raw(int64_t value, std::byte* out) noexcept override {
    const auto x = static_cast<float>(read_float(in_, value, c_.dtype));
    std::memcpy(out, &x, sizeof x);
  }
  std::span<const std::byte> ahead(int64_t group, int64_t groups) const noexcept override {
    const int64_t next = group + groups;
    return {in_ + next * kLetterGroup * c_.width(), static_cast<size_t>(c_.count(next, groups) * c_.width())};
  }

 private:
  const std::byte* in_;
  const DitherChunk& c_;
};

class Sink final : public ChunkSink {
 public:
  Sink(std::byte* out, const DitherChunk& chunk, bool stream) : out_(out), c_(chunk), stream_(stream) {}
  void letters(int64_t group, int64_t groups, const uint8_t* in) noexcept override {
    const int64_t count = c_.count(group, groups), whole = count / kLetterGroup, rest = count % kLetterGroup;
    std::byte* out = out_ + group * kLetterGroup * c_.width();
    if (c_.channels != nullptr) {
      alignas(64) float deviations[kGroupsOfStream * kLetterGroup];
      letters_to_values(in, ceil_div(count, kLetterGroup), c_.first + group, c_.quantiser, DType::kFloat32, deviations,
                        false);
      from_deviations(deviations, c_.value(group), count, *c_.channels, c_.dtype, out);
      return;
    }
    letters_to_values(in, whole, c_.first + group, c_.quantiser, c_.dtype, out, stream_);
    if (rest == 0) return;
    alignas(64) std::byte padded[kLetterGroup * 4];
    letters_to_values(in + whole * c_.quantiser.letters_of_group(), 1, c_.first + group + whole, c_.quantiser, c_.dtype,
                      padded, false);
    std::memcpy(out + whole * kLetterGroup * c_.width(), padded, static_cast<size_t>(rest * c_.width()));
  }
  void raw(int64_t value, const std::byte* in) noexcept override {
    float x;
    std::memcpy(&x, in, sizeof x);
    put_value(out_, value, c_.dtype, x);
  }

 private:
  std::byte* out_;
  const DitherChunk& c_;
  bool stream_;
};

}  // namespace

int64_t encode_dither_chunk(const void* in, const DitherTensor& tensor, int64_t numel, int64_t first,
                            const CodeTable& table, std::byte* out) noexcept {
  const DitherChunk chunk{tensor, numel, first};
  const auto* values = static_cast<const std::byte*>(in);
  Source source(values, chunk);
  return encode_chunk(source, {values, static_cast<size_t>(numel * chunk.width())}, numel, tensor.quantiser, table,
                      out);
}

bool decode_dither_chunk(std::span<const std::byte> bytes, const std::byte* limit, const DitherTensor& tensor,
                         int64_t numel, int64_t first, const DecodeTable& table, void* out, bool stream) noexcept {
  const DitherChunk chunk{tensor, numel, first};
  auto* values = static_cast<std::byte*>(out);
  Sink sink(values, chunk, stream);
  return decode_chunk(bytes, limit, {values, static_cast<size_t>(numel * chunk.width())}, numel, tensor.quantiser,
                      table, sink);
}

}  // namespace cinch::codec
