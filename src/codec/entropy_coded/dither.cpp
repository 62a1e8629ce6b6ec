#include <atomic>
#include <cmath>
#include <cstring>
#include <numbers>
#include <thread>

#include "src/codec/entropy_coded/fit.h"
#include "src/codec/entropy_coded/layout.h"
#include "src/codec/registry.h"
#include "src/codec/stage/codec_base.h"
#include "src/codec/stage/parallel.h"
#include "src/codec/stage/rng.h"
#include "src/codec/stage/speed.h"

namespace cinch::codec {
namespace {

// Steps beyond these would leave float32's range on the way.
constexpr double kSmallestScale = 0x1p-100, kLargestScale = 0x1p100;
constexpr double kFarFromZero = 8.0;  // in sigmas: a mean beyond it is taken off first
constexpr int64_t kStreamBytes = int64_t{4} << 20;

// Chunks in the order of the tensor, whichever thread codes them: each gets its place when the one before has it.
class Packer {
 public:
  Packer(std::span<std::byte> room, uint32_t* ends) : room_(room), ends_(ends) {}
  // The next chunk to code; they are handed out in order, so that nobody waits for one that nobody has begun.
  int64_t next() { return next_.fetch_add(1, std::memory_order_relaxed); }
  void put(int64_t chunk, const std::byte* from, int64_t bytes) {
    for (int spins = 0; placed_.load(std::memory_order_acquire) != chunk; ++spins)
      if (spins > 1000) std::this_thread::yield();
    const int64_t begin = used_;
    used_ += bytes;
    const bool fits = used_ <= static_cast<int64_t>(room_.size());
    if (fits) ends_[chunk] = static_cast<uint32_t>(used_ / kChunkAlignment);
    placed_.store(chunk + 1, std::memory_order_release);
    if (fits)
      std::memcpy(room_.data() + begin, from, static_cast<size_t>(bytes));
    else
      full_.store(true, std::memory_order_relaxed);
  }
  bool full() const { return full_.load(std::memory_order_relaxed); }
  int64_t used() const { return used_; }

 private:
  std::span<std::byte> room_;
  uint32_t* ends_;
  std::atomic<int64_t> next_{0}, placed_{0};
  std::atomic<bool> full_{false};
  int64_t used_ = 0;  // of the thread whose turn it is
};

class Dither final : public CodecBase {
 public:
  explicit Dither(CodecSpec spec)
      : CodecBase(std::move(spec)), step_sigma_(this->spec().get_double("step_sigma", 1.0)) {}

  ErrorClass error_class() const noexcept override { return ErrorClass::kUnbiased; }
  bool supports(DType dtype, DeviceKind device) const noexcept override {
    return device == DeviceKind::kCpu && is_codable_float(dtype);
  }
  // Not in float16: the smallest decoded values, 2^-17 of a step, may be below its range.
  bool keeps_zeros(DType dtype) const noexcept override {
    return dtype == DType::kFloat32 || dtype == DType::kBFloat16;
  }
  Estimate estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const override;
  int64_t payload_bound(int64_t numel, DType dtype, const SideInfo&) const override {
    check_size(numel, dtype);
    // Zeros apart add at most log2(1 + 2^h) - h bits to an entropy of h.
    return bytes_for(numel, dtype, std::log2(1 + std::exp2(normal_bits())) * 1.06 + 0.2);
  }
  std::optional<int64_t> measure(const Extent& in, const SideInfo& side, const CodecContext& context) const override;
  std::optional<int64_t> encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                const CodecContext& context) const override;
  void decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
              const CodecContext& context) const override;

 private:
  // Entropy of a normal distribution after dithering, in bits per value: no distribution of that variance has more.
  double normal_bits() const {
    return 0.5 * std::log2(2 * std::numbers::pi * std::numbers::e * (1 / (step_sigma_ * step_sigma_) + 1.0 / 12));
  }
  // Of a payload with so many bits per value; no more than values stored as they are take.
  static int64_t bytes_for(int64_t numel, DType dtype, double bits) {
    const int64_t chunks = chunk_count(numel), fixed = chunks_offset(numel) + kSlack;
    const int64_t each = int64_t{sizeof(ChunkHeader)} + kChunkAlignment;
    const auto coded = static_cast<int64_t>(static_cast<double>(numel) * bits / 8);
    return fixed + chunks * each + std::min(numel * dtype_bytes(dtype), coded + chunks * kStreams + 1024);
  }
  std::optional<Fit> fit(const Extent& in, const CodecContext& context) const;
  Header check(std::span<const std::byte> payload, int64_t numel, DType dtype) const;

  double step_sigma_;
};

// nullopt: nothing finite, or a scale beyond what float32 can work with.
std::optional<Fit> Dither::fit(const Extent& in, const CodecContext& context) const {
  Scale scale = sample_scale(in.data, in.dtype, in.numel);
  if (!scale.any) return std::nullopt;
  Quantiser q;
  q.key = rng_key(context, kEntropyMagic);
  // One value, as far as the sample tells: it is coded exactly.
  const bool constant = scale.sigma < kSmallestScale;
  const double size = std::abs(scale.mean);
  const double sigma = constant ? std::max(size * 0x1p-8, kSmallestScale) : scale.sigma;
  if (!(sigma <= kLargestScale) || !(size <= kLargestScale)) return std::nullopt;
  q.dithered = !constant;
  if (constant) scale.sigma = 0;
  if (constant || size > kFarFromZero * sigma) q.offset = static_cast<float>(scale.mean);
  q.step = static_cast<float>(sigma * step_sigma_);
  return fit_code(in.data, in.dtype, in.numel, q, scale);
}

std::optional<int64_t> Dither::measure(const Extent& in, const SideInfo& side, const CodecContext& context) const {
  check_extent(in);
  const int64_t bound = payload_bound(in.numel, in.dtype, side);
  if (in.numel == 0) return bound;
  const auto sample = fit(in, context);
  if (!sample) return std::nullopt;
  return std::min(bound, bytes_for(in.numel, in.dtype, sample->bits_of_value * 1.08 + 0.05));
}

std::optional<int64_t> Dither::encode(const Extent& in, const SideInfo&, std::span<std::byte> out,
                                      const CodecContext& context) const {
  check_extent(in);
  const int64_t begin = chunks_offset(in.numel), chunks = chunk_count(in.numel), width = dtype_bytes(in.dtype);
  Fit code;
  if (in.numel > 0) {
    const auto sample = fit(in, context);
    if (!sample) return std::nullopt;
    code = *sample;
  }
  check_room(out, begin + kSlack);
  store_lengths(code.lengths, out.data() + kHeaderBytes);
  std::memset(out.data() + ends_offset(), 0, static_cast<size_t>(begin - ends_offset()));
  const CodeTable table(code.lengths, code.quantiser.literal());
  const auto* data = static_cast<const std::byte*>(in.data);
  Packer packer(out.subspan(static_cast<size_t>(begin), out.size() - static_cast<size_t>(begin + kSlack)),
                reinterpret_cast<uint32_t*>(out.data() + ends_offset()));
  parallel_for(context, chunks, 1, [&](int64_t, int64_t) {
    alignas(64) std::byte room[kChunkRoom];
    for (int64_t c = packer.next(); c < chunks; c = packer.next()) {
      const int64_t first = c * kValuesOfChunk, count = std::min(kValuesOfChunk, in.numel - first);
      const int64_t bytes = packer.full() ? 0
                                          : encode_chunk(data + first * width, in.dtype, count, c * kChunkGroups,
                                                         code.quantiser, table, room);
      packer.put(c, room, bytes);
    }
  });
  if (packer.full()) return std::nullopt;
  const int64_t end = begin + packer.used();
  std::memset(out.data() + end, 0, static_cast<size_t>(kSlack));
  Header h;
  h.magic = kEntropyMagic;
  h.dtype = static_cast<uint8_t>(in.dtype);
  h.numel = in.numel;
  h.payload_bytes = end + kSlack;
  put_quantiser(code.quantiser, h);
  write_header(h, out);
  return h.payload_bytes;
}

Header Dither::check(std::span<const std::byte> payload, int64_t numel, DType dtype) const {
  const Header h = read_header(payload, kEntropyMagic, spec().name, numel, dtype);
  const Quantiser q = get_quantiser(h);
  if (h.payload_bytes < chunks_offset(numel) + kSlack || h.kind > 3 || !(q.step > 0) || !std::isfinite(q.step) ||
      !std::isfinite(q.offset) || std::abs(h.words[3]) > 4096)
    throw_damaged(spec().name, "its header makes no sense");
  return h;
}

void Dither::decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
                    const CodecContext& context) const {
  check_size(numel, dtype);
  check_out(out, numel);
  const Header h = check(payload, numel, dtype);
  if (numel == 0) return;
  const CodeLengths lengths = load_lengths(payload.data() + kHeaderBytes);
  if (!is_complete(lengths)) throw_damaged(spec().name, "its code lengths describe no code");
  const DecodeTable table(lengths);
  const Quantiser q = get_quantiser(h);
  const int64_t chunks = chunk_count(numel), width = dtype_bytes(dtype);
  const auto* ends = reinterpret_cast<const uint32_t*>(payload.data() + ends_offset());
  const auto body = payload.subspan(static_cast<size_t>(chunks_offset(numel)),
                                    static_cast<size_t>(h.payload_bytes - chunks_offset(numel)));
  const std::byte* limit = body.data() + body.size();
  auto* values = static_cast<std::byte*>(out);
  const bool stream = numel * width >= kStreamBytes && reinterpret_cast<uintptr_t>(out) % 64 == 0;
  const bool good = parallel_all(context, chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      const int64_t from = c == 0 ? 0 : int64_t{ends[c - 1]} * kChunkAlignment, to = int64_t{ends[c]} * kChunkAlignment;
      if (from > to || to > static_cast<int64_t>(body.size())) return false;
      const int64_t first = c * kValuesOfChunk;
      if (!decode_chunk(body.subspan(static_cast<size_t>(from), static_cast<size_t>(to - from)), limit,
                        std::min(kValuesOfChunk, numel - first), c * kChunkGroups, q, table, dtype,
                        values + first * width, stream))
        return false;
    }
    return true;
  });
  if (!good) throw_damaged(spec().name, "a chunk does not fit its lengths");
}

Estimate Dither::estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo&) const {
  check_size(numel, dtype);
  Estimate e;
  const double zeros = stats.zero_fraction, others = 1 - zeros;
  const auto plogp = [](double p) { return p > 0 ? -p * std::log2(p) : 0.0; };
  // Of what is not zero: spread as a normal distribution of the same second moments.
  double bits = plogp(zeros) + plogp(others);
  if (others > 0) {
    const double mean = stats.mean / others;
    const double variance = std::max(0.0, (stats.variance + stats.mean * stats.mean) / others - mean * mean);
    const double step = step_sigma_ * std::sqrt(stats.variance);
    if (step > 0)
      bits += others * std::max(0.0, 0.5 * std::log2(2 * std::numbers::pi * std::numbers::e *
                                                     (variance / (step * step) + 1.0 / 12)));
    e.mean_square_error = others * step * step / 12;
  }
  e.bytes = bytes_for(numel, dtype, bits * 1.02);
  const double raw = static_cast<double>(numel) * static_cast<double>(dtype_bytes(dtype));
  e.encode_seconds = raw / kDitherEncodeSpeed;
  e.decode_seconds = raw / kDitherDecodeSpeed;
  return e;
}

}  // namespace

std::shared_ptr<const Codec> make_dither(CodecSpec spec) { return std::make_shared<Dither>(std::move(spec)); }

}  // namespace cinch::codec
