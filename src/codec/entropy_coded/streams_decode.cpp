#include <algorithm>
#include <cstring>

#include "src/backend/cpu/scalar_targets.h"
#include "src/codec/entropy_coded/streams.h"

// No vectors in here; what newer instruction sets bring are shifts by any register, which a chain of look-ups is full
// of.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/codec/entropy_coded/streams_decode.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {

constexpr int kMostLookUps = 5;  // between two loads: 5 * 11 of the 57 bits that a load gives at least
constexpr int kTogether = 4;     // streams whose chains of look-ups overlap; more would not fit the registers

struct StreamCursor {
  const std::byte* data;
  uint64_t bit;
  uint8_t* out;
  uint8_t* end;
};

// The next bits of a stream below a mark in the highest bit, which tells how many were used.
constexpr uint64_t kMark = uint64_t{1} << 63;
HWY_INLINE uint64_t load_bits(const StreamCursor& c) {
  uint64_t word;
  std::memcpy(&word, c.data + c.bit / 8, 8);
  return word >> (c.bit & 7) | kMark;
}
HWY_INLINE uint64_t bits_used(uint64_t word) { return hwy::Num0BitsAboveMS1Bit_Nonzero64(word); }

HWY_INLINE void look_up(const DecodeTable& table, uint64_t& word, uint8_t*& out) {
  const uint64_t entry = table.entries[word & (kWindow - 1)];
  std::memcpy(out, &entry, 8);
  out += entry >> 56;
  word >>= entry >> 48 & 63;
}

// Rounds of look-ups for which a cursor has room and input.
template <int kLookUps>
int64_t rounds_of(const StreamCursor& c, const std::byte* limit) {
  const int64_t letters = (c.end - c.out) / (kLookUps * kLettersAtOnce);
  const int64_t bytes = (limit - (c.data + c.bit / 8) - 8) / 7;  // a round uses less than 7 bytes
  return std::min(letters, bytes);
}

// As many rounds as all of `cursors` have.
template <int kLookUps>
HWY_INLINE void decode_rounds(std::array<StreamCursor*, kTogether>& cursors, int64_t n, const DecodeTable& table) {
  StreamCursor a = *cursors[0], b = *cursors[1], c = *cursors[2], d = *cursors[3];
  for (; n > 0; --n) {
    uint64_t wa = load_bits(a), wb = load_bits(b), wc = load_bits(c), wd = load_bits(d);
    for (int i = 0; i < kLookUps; ++i) {
      look_up(table, wa, a.out);
      look_up(table, wb, b.out);
      look_up(table, wc, c.out);
      look_up(table, wd, d.out);
    }
    a.bit += bits_used(wa), b.bit += bits_used(wb), c.bit += bits_used(wc), d.bit += bits_used(wd);
  }
  *cursors[0] = a, *cursors[1] = b, *cursors[2] = c, *cursors[3] = d;
}

// Streams of different densities end after different numbers of rounds; one that has ended makes room for the next.
// Where none is left, another one's place is taken twice: both write the same.
template <int kLookUps>
void decode_together(std::array<StreamCursor, kStreams>& all, const std::byte* limit, const DecodeTable& table) {
  std::array<StreamCursor*, kTogether> cursors{};
  size_t next = 0;
  const auto more = [&]() -> StreamCursor* {
    while (next < all.size()) {
      StreamCursor& c = all[next++];
      if (rounds_of<kLookUps>(c, limit) > 0) return &c;
    }
    return nullptr;
  };
  while (true) {
    int64_t n = INT64_MAX;
    StreamCursor* any = nullptr;
    for (StreamCursor*& c : cursors) {
      if (c == nullptr || rounds_of<kLookUps>(*c, limit) <= 0) c = more();
      if (c == nullptr) continue;
      n = std::min(n, rounds_of<kLookUps>(*c, limit));
      any = c;
    }
    if (any == nullptr) return;
    std::array<StreamCursor*, kTogether> filled = cursors;
    for (StreamCursor*& c : filled)
      if (c == nullptr) c = any;
    decode_rounds<kLookUps>(filled, n, table);
  }
}

// The rest of a stream, and streams that are close to `limit`.
bool decode_rest(StreamCursor c, int64_t bytes, const std::byte* limit, const DecodeTable& table) {
  while (c.out < c.end) {
    const std::byte* from = c.data + c.bit / 8;
    if (from >= limit) return false;
    uint64_t word = 0;
    std::memcpy(&word, from, static_cast<size_t>(std::min<int64_t>(8, limit - from)));
    word = word >> (c.bit & 7) | kMark;
    if (c.end - c.out >= kLettersAtOnce) {
      look_up(table, word, c.out);
      c.bit += bits_used(word);
    } else {
      const auto letter = static_cast<uint8_t>(table.entries[word & (kWindow - 1)]);
      *c.out++ = letter;
      c.bit += table.lengths[letter];
    }
  }
  return static_cast<int64_t>(c.bit + 7) / 8 == bytes;
}

bool decode_any(const std::array<StreamIn, kStreams>& streams, const std::byte* limit, const DecodeTable& table) {
  bool good = true;
  std::array<StreamCursor, kStreams> cursors;
  for (size_t s = 0; s < kStreams; ++s) {
    const StreamIn& in = streams[s];
    cursors[s] = {in.data, 0, in.letters, in.letters + in.count};
  }
  decode_together<kMostLookUps>(cursors, limit, table);
  decode_together<1>(cursors, limit, table);
  for (size_t s = 0; s < kStreams; ++s) good &= decode_rest(cursors[s], streams[s].bytes, limit, table);
  return good;
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cinch::codec {
HWY_EXPORT(decode_any);

bool decode_letters(const std::array<StreamIn, kStreams>& streams, const std::byte* limit,
                    const DecodeTable& table) noexcept {
  return HWY_DYNAMIC_DISPATCH(decode_any)(streams, limit, table);
}

}  // namespace cinch::codec
#endif
