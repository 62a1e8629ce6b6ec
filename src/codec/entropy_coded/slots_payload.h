// The whole of a payload in slots, decoded on the CPU, chunk by chunk.
#pragma once

#include "src/codec/entropy_coded/payload.h"
#include "src/codec/entropy_coded/slots.h"

namespace cinch::codec {

// Throws CodecError where these are no slots of a payload with this header.
inline void check_slots(std::string_view method, const Slots& slots, const Header& h) {
  if (slots.group_bytes < Slots::kLeast || slots.group_bytes > Slots::kMost || slots.group_bytes % 4 != 0 ||
      slots.payload_bytes() != h.payload_bytes)
    throw_damaged(method, "its slots do not fit its length");
}

inline CodeLengths slot_lengths(std::string_view method, std::span<const std::byte> payload) {
  const CodeLengths lengths = load_lengths(payload.data() + lengths_offset());
  if (!is_complete(lengths)) throw_damaged(method, "its code lengths describe no code");
  return lengths;
}

// decode(chunk, other, range) -> whether it is sound; `other`: its header says that it is in a form of slots alone.
// Throws CodecError for what is not sound. The slots were checked.
template <class Decode>
void decode_slots(std::string_view method, const CodecContext& context, const Slots& slots,
                  std::span<const std::byte> payload, Decode&& decode) {
  const auto* sizes = reinterpret_cast<const uint32_t*>(payload.data() + ends_offset());
  const bool good = parallel_all(context, slots.chunks(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      const int64_t bytes = int64_t{sizes[c]} * kChunkAlignment;
      if (bytes < int64_t{sizeof(ChunkHeader)} || bytes > slots.bytes(c)) return false;
      const auto chunk = payload.subspan(static_cast<size_t>(slots.begin(c)), static_cast<size_t>(bytes));
      ChunkHeader header;
      std::memcpy(&header, chunk.data(), sizeof header);
      if (!decode(chunk, header.raws == kCoarse, chunk_range(c, slots.numel))) return false;
    }
    return true;
  });
  if (!good) throw_damaged(method, "a chunk does not fit its lengths");
}

}  // namespace cinch::codec
