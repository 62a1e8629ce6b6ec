#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <mutex>
#include <string>

#include "src/backend/cuda/runtime.h"
#include "src/codec/lossless/device.h"
#include "src/codec/lossless/int_kernels.h"
#include "src/codec/lossless/pool_map.h"
#include "src/codec/registry.h"
#include "src/codec/stage/bitpack.h"
#include "src/codec/stage/codec_base.h"
#include "src/codec/stage/header.h"
#include "src/codec/stage/parallel.h"
#include "src/codec/stage/speed.h"
#include "src/core/checked.h"

namespace cinch::codec {
namespace {

constexpr uint32_t kMagic = make_magic('C', 'I', 'N', '1');
constexpr int64_t kGrain = 1024;  // blocks of 64 values a thread takes at least
enum Kind : uint8_t { kRange = 0, kPool = 1 };

// Bits for the numbers 0 .. most.
constexpr int width_of(uint64_t most) noexcept { return 64 - std::countl_zero(most); }

constexpr int kWidestOffset = width_of(kMostCells - 1);

int64_t packed_bytes(int64_t numel, int width, Kind kind) {
  return kHeaderBytes + (kind == kPool ? int64_t{sizeof(StoredPool)} : 0) + ceil_div(numel, kPackBlock) * width * 8;
}

uint64_t span_of(const IntRange& r) noexcept { return static_cast<uint64_t>(r.max) - static_cast<uint64_t>(r.min); }

class Int final : public CodecBase {
 public:
  using CodecBase::CodecBase;
  ErrorClass error_class() const noexcept override { return ErrorClass::kExact; }
  bool supports(DType dtype, DeviceKind device) const noexcept override {
    return device == DeviceKind::kCpu ? is_integer(dtype) : backend::cuda_built() && is_device_dtype(dtype);
  }

  Estimate estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const override {
    check_size(numel, dtype);
    Estimate e;
    e.bytes = packed_bytes(numel, width_of(estimated_span(stats)), kRange);
    if (offers_pool(side, numel)) e.bytes = pool_bytes(*side.pool, numel);
    const double raw = static_cast<double>(numel) * static_cast<double>(dtype_bytes(dtype));
    e.encode_seconds = raw / kIntEncodeSpeed;
    e.decode_seconds = raw / kIntDecodeSpeed;
    return e;
  }

  // What is not smaller than the raw values is declined.
  int64_t payload_bound(int64_t numel, DType dtype, const SideInfo&) const override {
    check_size(numel, dtype);
    return numel * dtype_bytes(dtype);
  }

  std::optional<int64_t> measure(const Extent& in, const SideInfo& side, const CodecContext& context) const override {
    check_extent(in);
    if (context.device == DeviceKind::kCuda) return device_bytes(in, side);
    if (worth_pool(in, side) && sample_fits(in, *side.pool, context)) return pool_bytes(*side.pool, in.numel);
    return if_smaller(packed_bytes(in.numel, width_of(span_of(range(in, context))), kRange), in);
  }

  std::optional<int64_t> encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                const CodecContext& context) const override {
    check_extent(in);
    if (context.device == DeviceKind::kCuda) {
      const auto bytes = device_bytes(in, side);
      if (!bytes) return std::nullopt;
      check_room(out, *bytes);
      device_to_offsets(in.data, header(in, pool_width(*side.pool), kPool, 0), store(*side.pool), out.data(),
                        context.poisoned, context.stream);
      return bytes;
    }
    const bool pools = worth_pool(in, side);
    if (pools) {
      const int64_t bytes = pool_bytes(*side.pool, in.numel);
      // Room that measure found may be less, for the range, where an index is in no window.
      const bool fits = static_cast<int64_t>(out.size()) >= bytes;
      if (!fits && code_pool(in, *side.pool, nullptr, context)) check_room(out, bytes);
      if (fits && code_pool(in, *side.pool, out.data() + kHeaderBytes + sizeof(StoredPool), context)) {
        write_header(header(in, pool_width(*side.pool), kPool, 0), out);
        const StoredPool stored = store(*side.pool);
        std::memcpy(out.data() + kHeaderBytes, &stored, sizeof stored);
        return bytes;
      }
    }
    const IntRange r = range(in, context);
    const int width = width_of(span_of(r));
    const auto bytes = if_smaller(packed_bytes(in.numel, width, kRange), in);
    // Of indices that are in no window only all of them tell.
    if (!bytes || (pools && static_cast<int64_t>(out.size()) < *bytes)) return std::nullopt;
    check_room(out, *bytes);
    write_header(header(in, width, kRange, r.min), out);
    auto* words = reinterpret_cast<uint64_t*>(out.data() + kHeaderBytes);
    for_parts(context, in.numel, [&](int64_t begin, int64_t count) {
      narrow(at(in.data, begin, in.dtype), count, in.dtype, r.min, width, words + begin / kPackBlock * width);
      return true;
    });
    return bytes;
  }

  void decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
              const CodecContext& context) const override {
    check_size(numel, dtype);
    if (context.device == DeviceKind::kCuda) {
      check_device_dtype(dtype);
      check_out(out, numel);
      return device_from_offsets(payload.data(), numel, width_by_length(payload, numel), dtype, out, context.stream);
    }
    const Header h = read_header(payload, kMagic, spec().name, numel, dtype);
    if (h.bits > 63 || h.kind > kPool || h.payload_bytes != packed_bytes(numel, h.bits, static_cast<Kind>(h.kind))) {
      throw_damaged(spec().name, "its length does not fit its header");
    }
    check_out(out, numel);
    if (h.kind == kPool) return decode_pool(payload, h, out, numel, dtype, context);
    const auto* words = reinterpret_cast<const uint64_t*>(payload.data() + kHeaderBytes);
    for_parts(context, numel, [&](int64_t begin, int64_t count) {
      widen(words + begin / kPackBlock * h.bits, count, dtype, h.words[0], h.bits, at(out, begin, dtype));
      return true;
    });
  }

 private:
  static const std::byte* at(const void* p, int64_t i, DType dtype) {
    return static_cast<const std::byte*>(p) + i * dtype_bytes(dtype);
  }
  static std::byte* at(void* p, int64_t i, DType dtype) { return static_cast<std::byte*>(p) + i * dtype_bytes(dtype); }

  static bool is_device_dtype(DType dtype) noexcept { return dtype == DType::kInt32 || dtype == DType::kInt64; }
  void check_device_dtype(DType dtype) const {
    if (!is_device_dtype(dtype))
      throw CodecError("int: " + std::string(to_string(dtype)) + " is not supported on CUDA");
  }
  // Nobody looks at data on the device: only where the geometry alone gives the width.
  std::optional<int64_t> device_bytes(const Extent& in, const SideInfo& side) const {
    check_device_dtype(in.dtype);
    return worth_pool(in, side) && is_mappable(*side.pool) ? std::optional(pool_bytes(*side.pool, in.numel))
                                                           : std::nullopt;
  }
  // The header of a payload on the device is not read by the host; its length tells the same.
  static int width_by_length(std::span<const std::byte> payload, int64_t numel) {
    for (int width = 0; width <= kWidestOffset; ++width)
      if (numel > 0 && static_cast<int64_t>(payload.size()) == packed_bytes(numel, width, kPool)) return width;
    throw CodecError("int: " + std::to_string(payload.size()) + " bytes are no payload of " + std::to_string(numel) +
                     " max-pool indices");
  }

  // body(begin, count) -> bool over parts that start at whole blocks.
  template <class Body>
  static bool for_parts(const CodecContext& context, int64_t numel, Body&& body) {
    return parallel_all(context, ceil_div(numel, kPackBlock), kGrain, [&](int64_t begin, int64_t end) {
      return body(begin * kPackBlock, std::min(end * kPackBlock, numel) - begin * kPackBlock);
    });
  }

  static uint64_t estimated_span(const TensorStats& s) noexcept {
    const double span = s.max - s.min;
    return span >= 0x1p63 ? ~uint64_t{0} : static_cast<uint64_t>(std::max(0.0, span));
  }

  static int pool_width(const PoolGeometry& p) noexcept { return width_of(static_cast<uint64_t>(cell_count(p) - 1)); }
  static int64_t pool_bytes(const PoolGeometry& p, int64_t numel) { return packed_bytes(numel, pool_width(p), kPool); }
  static bool offers_pool(const SideInfo& side, int64_t numel) noexcept {
    return side.pool && numel > 0 && is_usable(*side.pool, numel);
  }
  static bool worth_pool(const Extent& in, const SideInfo& side) {
    return offers_pool(side, in.numel) && pool_bytes(*side.pool, in.numel) < in.numel * dtype_bytes(in.dtype);
  }
  static std::optional<int64_t> if_smaller(int64_t bytes, const Extent& in) {
    return bytes < in.numel * dtype_bytes(in.dtype) ? std::optional(bytes) : std::nullopt;
  }

  Header header(const Extent& in, int width, Kind kind, int64_t base) const {
    Header h;
    h.magic = kMagic;
    h.dtype = static_cast<uint8_t>(in.dtype);
    h.bits = static_cast<uint8_t>(width);
    h.kind = kind;
    h.numel = in.numel;
    h.payload_bytes = packed_bytes(in.numel, width, kind);
    h.words[0] = base;
    return h;
  }

  static IntRange range(const Extent& in, const CodecContext& context) {
    IntRange all;
    std::mutex mutex;
    for_parts(context, in.numel, [&](int64_t begin, int64_t count) {
      const IntRange part = range_of_ints(at(in.data, begin, in.dtype), count, in.dtype);
      const std::lock_guard lock(mutex);
      all = all.empty ? part : IntRange{std::min(all.min, part.min), std::max(all.max, part.max), false};
      return true;
    });
    return all;
  }

  // Whether a geometry is that of these indices: encode looks at all of them anyway, once more would cost as much.
  static bool sample_fits(const Extent& in, const PoolGeometry& pool, const CodecContext& context) {
    constexpr int64_t kPieces = 64, kPiece = 4 * kPackBlock;
    if (in.numel <= kPieces * kPiece) return code_pool(in, pool, nullptr, context);
    const PoolTable table(pool);
    for (int64_t i = 0; i < kPieces; ++i) {
      const int64_t begin = in.numel / kPieces * i / kPackBlock * kPackBlock;
      if (!to_offsets(at(in.data, begin, in.dtype), begin, kPiece, in.dtype, pool, table, pool_width(pool), nullptr))
        return false;
    }
    return true;
  }

  // `body` null: only tries.
  static bool code_pool(const Extent& in, const PoolGeometry& pool, std::byte* body, const CodecContext& context) {
    const PoolTable table(pool);
    const int width = pool_width(pool);
    auto* words = reinterpret_cast<uint64_t*>(body);
    return for_parts(context, in.numel, [&](int64_t begin, int64_t count) {
      return to_offsets(at(in.data, begin, in.dtype), begin, count, in.dtype, pool, table, width,
                        words != nullptr ? words + begin / kPackBlock * width : nullptr);
    });
  }

  void decode_pool(std::span<const std::byte> payload, const Header& h, void* out, int64_t numel, DType dtype,
                   const CodecContext& context) const {
    StoredPool stored;
    std::memcpy(&stored, payload.data() + kHeaderBytes, sizeof stored);
    if (stored.checksum != checksum32(&stored, offsetof(StoredPool, checksum)))
      throw_damaged(spec().name, "the checksum of its geometry is wrong");
    const PoolGeometry pool = restore(stored);
    if (!is_usable(pool, numel) || pool_width(pool) != h.bits)
      throw_damaged(spec().name, "its geometry does not fit its header");
    const PoolTable table(pool);
    const auto* words = reinterpret_cast<const uint64_t*>(payload.data() + kHeaderBytes + sizeof stored);
    const bool ok = for_parts(context, numel, [&](int64_t begin, int64_t count) {
      return from_offsets(words + begin / kPackBlock * h.bits, begin, count, dtype, pool, table, h.bits,
                          at(out, begin, dtype));
    });
    if (!ok) throw_damaged(spec().name, "an offset is beyond its window");
  }
};

}  // namespace

std::shared_ptr<const Codec> make_int(CodecSpec spec) { return std::make_shared<Int>(std::move(spec)); }

}  // namespace cinch::codec
