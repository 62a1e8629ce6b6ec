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

constexpr int kMostLookUps = 5;   // between two loads: 5 * 11 of the 57 bits that a load gives at least
constexpr size_t kTogether = 4;   // streams whose chains of look-ups overlap; more would not fit the registers
constexpr int kLinesOfRound = 4;  // a round decodes about 40 letters, 5 lines of float32

struct StreamCursor {
  const std::byte* data;
  uint64_t bit;
  uint8_t* out;
  uint8_t* end;
};
using Cursors = std::array<StreamCursor, kStreams>;

HWY_INLINE uint64_t load_bits(const StreamCursor& c) {
  uint64_t word;
  std::memcpy(&word, c.data + c.bit / 8, 8);
  return word >> (c.bit & 7);
}

// The low byte of `used` sums up bits. A chain of look-ups waits for an index, an entry and a shift by its low byte.
HWY_INLINE void look_up(const DecodeTable& table, uint64_t& word, uint8_t*& out, uint64_t& used) {
  const uint64_t entry = table.entries[word & (kWindow - 1)], letters = entry >> DecodeTable::kLettersAt;
  std::memcpy(out, &letters, 8);
  out += entry >> DecodeTable::kCountAt;
  word >>= entry & 63;
  used += entry;
}

// Rounds of look-ups for which a cursor has room and input.
template <int kLookUps>
int64_t rounds_of(const StreamCursor& c, const std::byte* limit, const DecodeTable& table) {
  const int64_t letters = (c.end - c.out) / (kLookUps * table.most_letters);
  const int64_t bytes = (limit - (c.data + c.bit / 8) - 8) / 7;  // a round uses less than 7 bytes
  return std::min(letters, bytes);
}

// Brings lines of `next` into the second cache, some a round: what is decoded is written there afterwards.
class LinesAhead {
 public:
  explicit LinesAhead(std::span<const std::byte> next) : at_(next.data()), left_(static_cast<int64_t>(next.size())) {}
  HWY_INLINE void fetch() {
    if (left_ <= 0) return;
    for (int i = 0; i < kLinesOfRound; ++i) __builtin_prefetch(at_ + 64 * i, 0, 2);
    at_ += 64 * kLinesOfRound;
    left_ -= 64 * kLinesOfRound;
  }

 private:
  const std::byte* at_;
  int64_t left_;
};

template <int kLookUps>
HWY_INLINE void decode_rounds(const std::array<StreamCursor*, kTogether>& cursors, int64_t n, const DecodeTable& table,
                              LinesAhead& ahead) {
  StreamCursor a = *cursors[0], b = *cursors[1], c = *cursors[2], d = *cursors[3];
  for (; n > 0; --n) {
    ahead.fetch();
    uint64_t wa = load_bits(a), wb = load_bits(b), wc = load_bits(c), wd = load_bits(d);
    uint64_t ua = 0, ub = 0, uc = 0, ud = 0;
    for (int i = 0; i < kLookUps; ++i) {
      look_up(table, wa, a.out, ua);
      look_up(table, wb, b.out, ub);
      look_up(table, wc, c.out, uc);
      look_up(table, wd, d.out, ud);
    }
    a.bit += ua & 0xff, b.bit += ub & 0xff, c.bit += uc & 0xff, d.bit += ud & 0xff;
  }
  *cursors[0] = a, *cursors[1] = b, *cursors[2] = c, *cursors[3] = d;
}

// Streams of different densities end after different numbers of look-ups: the place of one that has ended goes to the
// next. Where none is left, a stream that goes on fills the places: copies of its cursor write the same.
template <int kLookUps>
void decode_together(Cursors& all, const std::byte* limit, const DecodeTable& table, LinesAhead& ahead) {
  std::array<StreamCursor*, kTogether> places{};
  size_t next = 0;
  while (true) {
    int64_t n = INT64_MAX;
    StreamCursor* any = nullptr;
    for (StreamCursor*& c : places) {
      int64_t rounds = c == nullptr ? 0 : rounds_of<kLookUps>(*c, limit, table);
      while (rounds <= 0 && next < all.size()) {
        c = &all[next++];
        rounds = rounds_of<kLookUps>(*c, limit, table);
      }
      if (rounds <= 0) {
        c = nullptr;
        continue;
      }
      n = std::min(n, rounds);
      any = c;
    }
    if (any == nullptr) return;
    std::array<StreamCursor*, kTogether> filled = places;
    std::replace(filled.begin(), filled.end(), static_cast<StreamCursor*>(nullptr), any);
    decode_rounds<kLookUps>(filled, n, table, ahead);
  }
}

// The rest of a stream, and streams that are close to `limit`.
bool decode_rest(StreamCursor c, int64_t bytes, const std::byte* limit, const DecodeTable& table) {
  while (c.out < c.end) {
    const std::byte* from = c.data + c.bit / 8;
    if (from >= limit) return false;
    uint64_t word = 0;
    std::memcpy(&word, from, static_cast<size_t>(std::min<int64_t>(8, limit - from)));
    word >>= c.bit & 7;
    if (c.end - c.out >= kLettersAtOnce) {
      uint64_t used = 0;
      look_up(table, word, c.out, used);
      c.bit += used & 0xff;
    } else {
      const auto letter = static_cast<uint8_t>(table.entries[word & (kWindow - 1)] >> DecodeTable::kLettersAt);
      *c.out++ = letter;
      c.bit += table.lengths[letter];
    }
  }
  return static_cast<int64_t>(c.bit + 7) / 8 == bytes;
}

// Indexes of streams, the longest first: what begins last should end soon.
std::array<size_t, kStreams> longest_first(const std::array<StreamIn, kStreams>& streams) {
  std::array<size_t, kStreams> order{};
  for (size_t s = 0; s < kStreams; ++s) {
    size_t at = s;
    for (; at > 0 && streams[order[at - 1]].bytes < streams[s].bytes; --at) order[at] = order[at - 1];
    order[at] = s;
  }
  return order;
}

bool decode_any(const std::array<StreamIn, kStreams>& streams, const std::byte* limit, const DecodeTable& table,
                std::span<const std::byte> next) {
  const auto order = longest_first(streams);
  Cursors cursors;
  for (size_t i = 0; i < kStreams; ++i) {
    const StreamIn& in = streams[order[i]];
    cursors[i] = {in.data, 0, in.letters, in.letters + in.count};
  }
  LinesAhead ahead(next);
  decode_together<kMostLookUps>(cursors, limit, table, ahead);
  decode_together<1>(cursors, limit, table, ahead);
  bool good = true;
  for (size_t i = 0; i < kStreams; ++i) good &= decode_rest(cursors[i], streams[order[i]].bytes, limit, table);
  return good;
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cinch::codec {
HWY_EXPORT(decode_any);

bool decode_letters(const std::array<StreamIn, kStreams>& streams, const std::byte* limit, const DecodeTable& table,
                    std::span<const std::byte> next) noexcept {
  return HWY_DYNAMIC_DISPATCH(decode_any)(streams, limit, table, next);
}

}  // namespace cinch::codec
#endif
