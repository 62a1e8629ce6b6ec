#include "src/codec/entropy_coded/dither_slots.h"

#include "src/backend/cpu/streaming.h"
#include "src/codec/entropy_coded/dither_chunk.h"
#include "src/codec/entropy_coded/slots_payload.h"
#include "src/codec/entropy_coded/warp_coarse.h"

namespace cinch::codec {
namespace {

// `groups` groups of a chunk in the coarser form, `count` values.
template <class T>
void coarse_chunk(const std::byte* chunk, int64_t groups, int bits, int64_t count, T* out) noexcept {
  using Lanes = LetterLanes<true>;
  for (int64_t group = 0; group < groups; ++group) {
    const auto there = static_cast<int>(std::min(kLetterGroup, count - group * kLetterGroup));
    for (int lane = 0; lane < kLanes; ++lane) {
      const LetterValues<true> x = decode_coarse(chunk, groups, group, bits, lane);
      for (int row = 0; row < 2; ++row)
        store_run(out + group * kLetterGroup, (Lanes::row(lane, 0) + row) * kColumns16 + Lanes::column(lane), there,
                  false, x.at[row]);
    }
  }
}

template <class F>
bool with_type(DType dtype, void* out, F f) {
  if (dtype == DType::kFloat32) return f(static_cast<float*>(out));
  if (dtype == DType::kBFloat16) return f(static_cast<Bf16*>(out));
  return f(static_cast<Fp16*>(out));
}

}  // namespace

bool decode_coarse_chunk(std::span<const std::byte> chunk, DType dtype, int64_t numel, void* out) noexcept {
  ChunkHeader header;
  std::memcpy(&header, chunk.data(), sizeof header);
  const int bits = header.literals;
  const int64_t groups = ceil_div(numel, kLetterGroup);
  if ((bits != 2 && bits != 4 && bits != 8) || static_cast<int64_t>(chunk.size()) < coarse_bytes(groups, bits))
    return false;
  return with_type(dtype, out, [&](auto* values) {
    coarse_chunk(chunk.data(), groups, bits, numel, values);
    return true;
  });
}

void fill_with_nan(DType dtype, int64_t numel, void* out) noexcept {
  if (dtype == DType::kFloat32)
    std::fill_n(static_cast<uint32_t*>(out), numel, 0x7fc00000u);
  else
    std::fill_n(static_cast<uint16_t*>(out), numel, static_cast<uint16_t>(dtype == DType::kBFloat16 ? 0x7fc0 : 0x7e00));
}

void decode_dither_slots(std::string_view method, const CodecContext& context, const Header& h,
                         std::span<const std::byte> payload, void* out) {
  const auto dtype = static_cast<DType>(h.dtype);
  Slots slots = get_slots(h);
  Channels channels;
  const bool by_channel = (h.kind & kByChannel) != 0;
  if (by_channel) slots.sides = load_channels(method, behind_ends(h, payload), h.numel, channels);
  check_slots(method, slots, h);
  if ((h.kind & kNothingFinite) != 0) return fill_with_nan(dtype, h.numel, out);
  const Quantiser q = get_quantiser(h);
  const DitherTensor tensor{dtype, q, by_channel ? &channels : nullptr};
  const int64_t width = dtype_bytes(dtype);
  auto* values = static_cast<std::byte*>(out);
  const bool stream = backend::streams_out(out, h.numel * width);
  const DecodeTable table(slot_lengths(method, payload));
  const std::byte* limit = payload.data() + h.payload_bytes;
  decode_slots(method, context, slots, payload, [&](std::span<const std::byte> chunk, bool coarse, ChunkRange r) {
    std::byte* to = values + r.first * width;
    return coarse ? decode_coarse_chunk(chunk, dtype, r.count, to)
                  : decode_dither_chunk(chunk, limit, tensor, r.count, r.first / kLetterGroup, table, to, stream);
  });
}

}  // namespace cinch::codec
