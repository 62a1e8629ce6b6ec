#include "src/codec/entropy_coded/bound_chunk.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "src/codec/entropy_coded/symbols.h"

namespace cinch::codec {
namespace {

constexpr int64_t kPlaceBytes = sizeof(uint16_t);

class Source final : public ChunkSource {
 public:
  Source(std::span<const std::byte> in, int64_t width, const Alphabet& alphabet, BoundIntegers& integers)
      : in_(in), width_(width), alphabet_(alphabet), integers_(integers) {}
  void letters(int64_t group, int64_t groups, uint8_t* out) noexcept override {
    integers_.add(group, groups);
    integers_to_letters(integers_.data() + group * kLetterGroup, groups, alphabet_, out);
  }
  void raw(int64_t value, std::byte* out) noexcept override {
    std::memcpy(out, integers_.data() + value, sizeof(int16_t));
  }
  std::span<const std::byte> ahead(int64_t group, int64_t groups) const noexcept override {
    const auto bytes = static_cast<size_t>(kLetterGroup * width_), from = static_cast<size_t>(group + groups) * bytes;
    if (from >= in_.size()) return {};
    return in_.subspan(from, std::min(in_.size() - from, static_cast<size_t>(groups) * bytes));
  }
  int64_t finish(std::byte* out, int64_t room) noexcept override {
    const auto missed = integers_.missed();
    const auto count = static_cast<int64_t>(missed.size());
    if (count * (kPlaceBytes + width_) > room) return -1;
    if (count > 0) std::memcpy(out, missed.data(), missed.size_bytes());
    out += count * kPlaceBytes;
    for (const int64_t place : missed) {
      std::memcpy(out, in_.data() + place * width_, static_cast<size_t>(width_));
      out += width_;
    }
    return count * (kPlaceBytes + width_);
  }

 private:
  std::span<const std::byte> in_;
  int64_t width_;
  const Alphabet& alphabet_;
  BoundIntegers& integers_;
};

class Sink final : public ChunkSink {
 public:
  Sink(int64_t numel, int64_t first, const BoundQuantiser& q, const Axes& axes, DType dtype, std::byte* out,
       bool stream)
      : numel_(numel), first_(first), q_(q), axes_(axes), dtype_(dtype), out_(out), stream_(stream) {}
  void letters(int64_t group, int64_t groups, const uint8_t* in) noexcept override {
    if (!q_.lorenzo) begin_ = group * kLetterGroup;
    letters_to_integers(in, groups, q_.alphabet, a_ + group * kLetterGroup - begin_);
  }
  void raw(int64_t value, const std::byte* in) noexcept override { std::memcpy(a_ + value - begin_, in, sizeof *a_); }
  // Without neighbours values follow at once.
  void complete(int64_t, int64_t groups) noexcept override {
    if (q_.lorenzo) return;
    const int64_t count = std::min(groups * kLetterGroup, numel_ - begin_);
    levels_to_values(a_, count, q_.levels, dtype_, out_ + begin_ * dtype_bytes(dtype_), stream_);
  }
  bool finish(std::span<const std::byte> rest) noexcept override {
    if (q_.lorenzo) sum_up();
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
  void sum_up() noexcept {
    int16_t *from = a_, *to = b_;
    for (size_t k = axes_.all().size(); k-- > 0; std::swap(from, to))
      from_differences(axes_.all()[k], numel_, first_, from, to);
    levels_to_values(from, numel_, q_.levels, dtype_, out_, stream_);
  }

  static constexpr int64_t kRoom = kValuesOfChunk + kLevelSlack;
  int64_t numel_, first_;
  const BoundQuantiser& q_;
  const Axes& axes_;
  DType dtype_;
  std::byte* out_;
  bool stream_;
  int64_t begin_ = 0;  // value of which a_ holds the integer first
  alignas(64) int16_t a_[kRoom];
  alignas(64) int16_t b_[kRoom];
};

}  // namespace

void BoundIntegers::add(int64_t group, int64_t groups) noexcept {
  const int64_t begin = group * kLetterGroup, whole = (group + groups) * kLetterGroup, end = std::min(whole, count_);
  uint16_t* missed = missed_ + missed_count_;
  const int64_t more =
      values_to_levels(in_ + begin * dtype_bytes(dtype_), dtype_, end - begin, q_.levels, stages_[0] + begin, missed);
  for (int64_t i = 0; i < more; ++i) missed[i] = static_cast<uint16_t>(missed[i] + begin);
  missed_count_ += more;
  for (size_t k = 0; k < stages(); ++k) to_differences(axes_.all()[k], begin, end, first_, stages_[k], stages_[k + 1]);
  std::fill(stages_[stages()] + end, stages_[stages()] + whole,
            static_cast<int16_t>(q_.alphabet.base + q_.alphabet.symbols() / 2));
}

int64_t encode_bound_chunk(const void* in, DType dtype, int64_t numel, int64_t first, const BoundQuantiser& quantiser,
                           const Axes& axes, const CodeTable& table, std::byte* out) noexcept {
  const int64_t width = dtype_bytes(dtype);
  const std::span values(static_cast<const std::byte*>(in), static_cast<size_t>(numel * width));
  const BoundQuantiser q = quantiser_at(quantiser, first);
  BoundIntegers integers(in, dtype, numel, first, q, axes);
  Source source(values, width, quantiser.alphabet, integers);
  return encode_chunk(source, values, numel, quantiser.alphabet, table, out);
}

bool decode_bound_chunk(std::span<const std::byte> chunk, const std::byte* limit, int64_t numel, int64_t first,
                        const BoundQuantiser& quantiser, const Axes& axes, const DecodeTable& table, DType dtype,
                        void* out, bool stream) noexcept {
  auto* values = static_cast<std::byte*>(out);
  const BoundQuantiser q = quantiser_at(quantiser, first);
  Sink sink(numel, first, q, axes, dtype, values, stream);
  return decode_chunk(chunk, limit, {values, static_cast<size_t>(numel * dtype_bytes(dtype))}, numel,
                      quantiser.alphabet, table, sink);
}

}  // namespace cinch::codec
