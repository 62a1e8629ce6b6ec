#include "src/codec/entropy_coded/bound_chunk.h"

#include <algorithm>
#include <cstring>

#include "src/codec/entropy_coded/symbols.h"

namespace cinch::codec {
namespace {

constexpr int64_t kRoom = kValuesOfChunk + kLevelSlack;
constexpr int64_t kPlaceBytes = sizeof(uint16_t);

class Source final : public ChunkSource {
 public:
  Source(const std::byte* in, int64_t width, const Alphabet& alphabet, const int16_t* integers,
         std::span<const uint16_t> missed)
      : in_(in), width_(width), alphabet_(alphabet), integers_(integers), missed_(missed) {}
  void letters(int64_t group, int64_t groups, uint8_t* out) noexcept override {
    integers_to_letters(integers_ + group * kLetterGroup, groups, alphabet_, out);
  }
  void raw(int64_t value, std::byte* out) noexcept override { std::memcpy(out, integers_ + value, sizeof *integers_); }
  int64_t finish(std::byte* out, int64_t room) noexcept override {
    const auto count = static_cast<int64_t>(missed_.size());
    if (count * (kPlaceBytes + width_) > room) return -1;
    if (count > 0) std::memcpy(out, missed_.data(), missed_.size_bytes());
    out += count * kPlaceBytes;
    for (const int64_t place : missed_) {
      std::memcpy(out, in_ + place * width_, static_cast<size_t>(width_));
      out += width_;
    }
    return count * (kPlaceBytes + width_);
  }

 private:
  const std::byte* in_;
  int64_t width_;
  const Alphabet& alphabet_;
  const int16_t* integers_;
  std::span<const uint16_t> missed_;
};

class Sink final : public ChunkSink {
 public:
  Sink(int64_t numel, int64_t first, const BoundQuantiser& q, const Axes& axes, DType dtype, std::byte* out,
       bool stream)
      : numel_(numel), first_(first), q_(q), axes_(axes), dtype_(dtype), out_(out), stream_(stream) {}
  void letters(int64_t group, int64_t groups, const uint8_t* in) noexcept override {
    letters_to_integers(in, groups, q_.alphabet, a_ + group * kLetterGroup);
  }
  void raw(int64_t value, const std::byte* in) noexcept override { std::memcpy(a_ + value, in, sizeof *a_); }
  bool finish(std::span<const std::byte> rest) noexcept override {
    const int16_t* numbers = q_.lorenzo ? from_differences(axes_, numel_, first_, a_, b_) : a_;
    levels_to_values(numbers, numel_, q_.levels, dtype_, out_, stream_);
    const int64_t width = dtype_bytes(dtype_), size = static_cast<int64_t>(rest.size());
    const int64_t count = size / (kPlaceBytes + width);
    if (size - count * (kPlaceBytes + width) >= kChunkAlignment) return false;
    const std::byte *places = rest.data(), *value = places + count * kPlaceBytes;
    for (int64_t i = 0; i < count; ++i, value += width) {
      uint16_t place;
      std::memcpy(&place, places + i * kPlaceBytes, sizeof place);
      if (place >= numel_) return false;
      std::memcpy(out_ + place * width, value, static_cast<size_t>(width));
    }
    return true;
  }

 private:
  int64_t numel_, first_;
  const BoundQuantiser& q_;
  const Axes& axes_;
  DType dtype_;
  std::byte* out_;
  bool stream_;
  alignas(64) int16_t a_[kRoom];
  alignas(64) int16_t b_[kRoom];
};

}  // namespace

int16_t* to_integers(const void* in, DType dtype, int64_t count, int64_t first, const BoundQuantiser& q,
                     const Axes& axes, int16_t* a, int16_t* b, uint16_t* missed, int64_t* missed_count) noexcept {
  *missed_count = values_to_levels(in, dtype, count, q.levels, a, missed);
  int16_t* integers = q.lorenzo ? to_differences(axes, count, first, a, b) : a;
  const int64_t whole = ceil_div(count, kLetterGroup) * kLetterGroup;
  std::fill(integers + count, integers + whole, static_cast<int16_t>(q.alphabet.base + q.alphabet.symbols() / 2));
  return integers;
}

int64_t encode_bound_chunk(const void* in, DType dtype, int64_t numel, int64_t first, const BoundQuantiser& quantiser,
                           const Axes& axes, const CodeTable& table, std::byte* out) noexcept {
  const auto* values = static_cast<const std::byte*>(in);
  const int64_t width = dtype_bytes(dtype);
  alignas(64) int16_t a[kRoom], b[kRoom];
  uint16_t missed[kRoom];
  int64_t count;
  const int16_t* integers = to_integers(in, dtype, numel, first, quantiser, axes, a, b, missed, &count);
  Source source(values, width, quantiser.alphabet, integers, {missed, static_cast<size_t>(count)});
  return encode_chunk(source, {values, static_cast<size_t>(numel * width)}, numel, quantiser.alphabet, table, out);
}

bool decode_bound_chunk(std::span<const std::byte> chunk, const std::byte* limit, int64_t numel, int64_t first,
                        const BoundQuantiser& quantiser, const Axes& axes, const DecodeTable& table, DType dtype,
                        void* out, bool stream) noexcept {
  auto* values = static_cast<std::byte*>(out);
  Sink sink(numel, first, quantiser, axes, dtype, values, stream);
  return decode_chunk(chunk, limit, {values, static_cast<size_t>(numel * dtype_bytes(dtype))}, numel,
                      quantiser.alphabet, table, sink);
}

}  // namespace cinch::codec
