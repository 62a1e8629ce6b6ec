// The whole of an entropy-coded payload: code lengths, ends of chunks, chunks one behind the other.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <thread>

#include "src/codec/entropy_coded/layout.h"
#include "src/codec/entropy_coded/prefix_code.h"
#include "src/codec/stage/parallel.h"

namespace cinch::codec {

// What ends of chunks can say, in 32 bits: 16 GiB.
constexpr int64_t kMostChunkBytes = int64_t{UINT32_MAX} * kChunkAlignment;

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
    const bool fits = used_ <= std::min(static_cast<int64_t>(room_.size()), kMostChunkBytes);
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

// Values of a chunk.
struct ChunkRange {
  int64_t first, count;
};
constexpr ChunkRange chunk_range(int64_t chunk, int64_t numel) noexcept {
  const int64_t first = chunk * kValuesOfChunk;
  return {first, std::min(kValuesOfChunk, numel - first)};
}

// Bytes of a payload with so many bits per value; no more than values stored as they are take.
inline int64_t entropy_bytes(int64_t numel, DType dtype, double bits) noexcept {
  const int64_t chunks = chunk_count(numel), fixed = chunks_offset(numel) + kSlack;
  const int64_t each = int64_t{sizeof(ChunkHeader)} + kChunkAlignment;
  const auto coded = static_cast<int64_t>(static_cast<double>(numel) * bits / 8);
  return fixed + chunks * each + std::min(numel * dtype_bytes(dtype), coded + chunks * kStreams + 1024);
}

// The same as it comes out, on average: without the room for chunks that are larger than others.
inline int64_t expected_entropy_bytes(int64_t numel, double bits) noexcept {
  const int64_t each = int64_t{sizeof(ChunkHeader)} + (kChunkAlignment + kStreams) / 2;
  return chunks_offset(numel) + kSlack + chunk_count(numel) * each +
         static_cast<int64_t>(static_cast<double>(numel) * bits / 8);
}

// What is between the ends of chunks and the slack: sides and chunks. Of a payload whose length was checked.
inline std::span<const std::byte> behind_ends(const Header& h, std::span<const std::byte> payload) noexcept {
  const int64_t begin = chunks_offset(h.numel);
  return payload.subspan(static_cast<size_t>(begin), static_cast<size_t>(h.payload_bytes - kSlack - begin));
}

// code(range, room) writes a chunk to `room` of kChunkRoom bytes and returns how many. `out` has room for the empty
// payload at least, and `sides` bytes that are the method's own, which the caller writes to chunks_offset(numel). `h`
// holds magic, dtype, numel and the quantiser. nullopt: `out` is too small, or chunks take more than kMostChunkBytes.
template <class Code>
std::optional<int64_t> encode_payload(const CodecContext& context, Header h, const CodeLengths& lengths, int64_t sides,
                                      std::span<std::byte> out, Code&& code) {
  const int64_t begin = chunks_offset(h.numel) + sides, chunks = chunk_count(h.numel);
  store_lengths(lengths, out.data() + lengths_offset());
  std::memset(out.data() + ends_offset(), 0, static_cast<size_t>(begin - sides - ends_offset()));
  Packer packer(out.subspan(static_cast<size_t>(begin), out.size() - static_cast<size_t>(begin + kSlack)),
                reinterpret_cast<uint32_t*>(out.data() + ends_offset()));
  parallel_for(context, chunks, 1, [&](int64_t, int64_t) {
    alignas(64) std::byte room[kChunkRoom];
    for (int64_t c = packer.next(); c < chunks; c = packer.next())
      packer.put(c, room, packer.full() ? 0 : code(chunk_range(c, h.numel), room));
  });
  if (packer.full()) return std::nullopt;
  const int64_t end = begin + packer.used();
  std::memset(out.data() + end, 0, static_cast<size_t>(kSlack));
  h.payload_bytes = end + kSlack;
  write_header(h, out);
  return h.payload_bytes;
}

// decode(chunk, limit, table, range) -> whether it is sound. Throws CodecError for what is not. `h` was checked,
// numel > 0.
template <class Decode>
void decode_payload(std::string_view method, const CodecContext& context, const Header& h, int64_t sides,
                    std::span<const std::byte> payload, Decode&& decode) {
  const CodeLengths lengths = load_lengths(payload.data() + lengths_offset());
  if (!is_complete(lengths)) throw_damaged(method, "its code lengths describe no code");
  const DecodeTable table(lengths);
  const auto* ends = reinterpret_cast<const uint32_t*>(payload.data() + ends_offset());
  const int64_t first = chunks_offset(h.numel) + sides;
  const auto body = payload.subspan(static_cast<size_t>(first), static_cast<size_t>(h.payload_bytes - first));
  const std::byte* limit = body.data() + body.size();
  const bool good = parallel_all(context, chunk_count(h.numel), 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      const int64_t from = c == 0 ? 0 : int64_t{ends[c - 1]} * kChunkAlignment, to = int64_t{ends[c]} * kChunkAlignment;
      if (from > to || to > static_cast<int64_t>(body.size())) return false;
      const auto chunk = body.subspan(static_cast<size_t>(from), static_cast<size_t>(to - from));
      if (!decode(chunk, limit, table, chunk_range(c, h.numel))) return false;
    }
    return true;
  });
  if (!good) throw_damaged(method, "a chunk does not fit its lengths");
}

}  // namespace cinch::codec
