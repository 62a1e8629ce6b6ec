#include "src/codec/entropy_coded/bound_slots.h"

#include <bit>
#include <cmath>

#include "src/backend/cpu/streaming.h"
#include "src/codec/entropy_coded/bound_chunk.h"
#include "src/codec/entropy_coded/dither_slots.h"
#include "src/codec/entropy_coded/slots_payload.h"
#include "src/codec/entropy_coded/warp_plain.h"

namespace cinch::codec {
namespace {

// Of a chunk whose groups' sides and codes are within `chunk`. False: damaged.
template <class T>
bool decode_plain(std::span<const std::byte> chunk, const LevelSteps& levels, int64_t numel, T* out) noexcept {
  const auto groups = static_cast<int>(ceil_div(numel, kLetterGroup));
  int64_t at = plain_codes(groups);
  const auto size = static_cast<int64_t>(chunk.size());
  if (size < at) return false;
  for (int group = 0; group < groups; ++group) {
    PlainGroup side;
    std::memcpy(&side, chunk.data() + plain_codes(group), sizeof side);
    if (side.bits > kMostPlainBits || size - at < plain_bytes(side.bits)) return false;
    T* to = out + group * kLetterGroup;
    const int64_t count = std::min(kLetterGroup, numel - group * kLetterGroup);
    for (int i = 0; i < count; ++i)
      to[i] = from_float<T>(
          levels.value(plain_number(chunk.data() + at, chunk.data() + size, side, i / kPlainRun, i % kPlainRun)));
    at += plain_bytes(side.bits);
  }
  constexpr int64_t kEach = 2 + int64_t{sizeof(T)};
  const int64_t missed = (size - at) / kEach;
  if (size - at - missed * kEach >= kChunkAlignment) return false;
  const std::byte *places = chunk.data() + at, *values = places + missed * 2;
  for (int64_t i = 0; i < missed; ++i) {
    uint16_t place;
    std::memcpy(&place, places + i * 2, sizeof place);
    if (place >= numel) return false;
    std::memcpy(static_cast<void*>(out + place), values + i * int64_t{sizeof(T)}, sizeof(T));
  }
  return true;
}

bool decode_plain_chunk(std::span<const std::byte> chunk, const BoundQuantiser& q, DType dtype, ChunkRange r,
                        std::byte* out) noexcept {
  const LevelSteps levels = LevelSteps::of(levels_at(q, r.first));
  if (dtype == DType::kFloat32) return decode_plain(chunk, levels, r.count, reinterpret_cast<float*>(out));
  if (dtype == DType::kBFloat16) return decode_plain(chunk, levels, r.count, reinterpret_cast<Bf16*>(out));
  return decode_plain(chunk, levels, r.count, reinterpret_cast<Fp16*>(out));
}

}  // namespace

Slots bound_slots(int64_t numel, DType dtype, const BoundAim& aim) noexcept {
  const int64_t width = dtype_bytes(dtype);
  // Nobody knows how many levels a bound in the tensor's own units asks for: values as they are.
  double bits = 8 * static_cast<double>(width);
  if (aim.unit == BoundUnit::kRange && aim.bound < 1) {
    // Steps are twice the bound but for what is rounded, of which bfloat16 has much. Beside the levels from end to end:
    // zero apart, and one more at both ends. In the plain form, whose sides and a few missed values take a quarter bit.
    const double most = (dtype == DType::kBFloat16 ? 1.0 : 0.51) / aim.bound + 4;
    if (most < 0x1p16) bits = std::min(bits, std::bit_width(static_cast<uint32_t>(most)) + 0.25);
  }
  return slots_for(bits, numel, width, kBoundSides);
}

void decode_bound_slots(std::string_view method, const CodecContext& context, const Header& h,
                        std::span<const std::byte> payload, const BoundQuantiser& quantiser, const Grid& grid,
                        void* out) {
  const auto dtype = static_cast<DType>(h.dtype);
  const Slots slots = bound_slots_of(h.payload_bytes, h.numel);
  check_slots(method, slots, h);
  BoundQuantiser q = quantiser;
  std::memcpy(&q.key, payload.data() + chunks_offset(h.numel), sizeof q.key);
  const Axes axes(grid);
  const int64_t width = dtype_bytes(dtype);
  auto* values = static_cast<std::byte*>(out);
  const bool stream = backend::streams_out(out, h.numel * width), has_levels = (h.kind & kNoLevels) == 0;
  // Without levels chunks are verbatim, or lost: they have no use for the code of one letter.
  const DecodeTable table(has_levels ? slot_lengths(method, payload) : CodeLengths{1});
  const std::byte* limit = payload.data() + h.payload_bytes;
  decode_slots(method, context, slots, payload, [&](std::span<const std::byte> chunk, bool other, ChunkRange r) {
    std::byte* to = values + r.first * width;
    ChunkHeader header;
    std::memcpy(&header, chunk.data(), sizeof header);
    if (!other) {
      return (has_levels || header.raws == kVerbatim) &&
             decode_bound_chunk(chunk, limit, r.count, r.first, q, axes, table, dtype, to, stream);
    }
    if (header.literals == kLostForm) {
      fill_with_nan(dtype, r.count, to);
      return true;
    }
    if (header.literals == kPlainForm) return decode_plain_chunk(chunk, q, dtype, r, to);
    return decode_coarse_chunk(chunk, dtype, r.count, to);
  });
}

}  // namespace cinch::codec
