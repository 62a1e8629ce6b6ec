#include <algorithm>
#include <bit>
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

constexpr int kLookUps = 5;       // between two loads: 5 * 11 of the 56 bits that there are at least
constexpr size_t kTogether = 4;   // streams whose chains of look-ups overlap; more would not fit the registers
constexpr int kLinesOfRound = 4;  // a round decodes about 40 letters, 5 lines of float32
constexpr int kBytesOfRound = 9;  // that a round may read from a cursor on
static_assert((kLookUps - 1) * kLettersAtOnce + sizeof(DecodeTable::Entry) <= kLettersBeyond);

struct StreamCursor {
  const std::byte* in;
  uint64_t bit;  // of *in, 0-7
  uint8_t* out;
  uint8_t* end;
};
using Cursors = std::array<StreamCursor, kStreams>;

// The next bits of a stream. They are filled up from where the last filling ended, whatever was used since: a load that
// waits for no look-up. Bits beyond those that count are the stream's too, and are or-ed in once more.
class Bits {
 public:
  HWY_INLINE explicit Bits(const StreamCursor& c)
      : in_(c.in + 1), word_(std::to_integer<uint64_t>(*c.in) >> c.bit), left_(8 - c.bit) {}
  // At least 56 bits afterwards.
  HWY_INLINE void fill() {
    uint64_t next;
    std::memcpy(&next, in_, 8);
    word_ |= next << (left_ & 63);
    in_ += ~left_ >> 3 & 7;
    left_ |= 56;
  }
  HWY_INLINE void look_up(const DecodeTable& table, uint8_t*& out) {
    const DecodeTable::Entry& entry = table.entries[word_ & (kWindow - 1)];
    std::memcpy(out, &entry, sizeof entry);
    out += entry.count;
    word_ >>= entry.bits & 63;
    left_ -= entry.bits;
    // Otherwise the bits of five look-ups are kept to be added up, in registers that there are not.
    asm volatile("" : "+r"(left_), "+r"(word_));
  }
  HWY_INLINE const std::byte* in() const { return in_; }
  HWY_INLINE void leave(StreamCursor* c) const {
    const uint64_t left = left_ & 63;
    c->in = in_ - (left + 7) / 8;
    c->bit = -left & 7;
  }

 private:
  const std::byte* in_;
  uint64_t word_, left_;  // the low 6 bits of `left_` count
};

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

bool has_round(const StreamCursor& c, const std::byte* limit) { return c.out < c.end && limit - c.in >= kBytesOfRound; }

// Until a cursor has come to its end, or beyond it, or close to `limit`.
HWY_INLINE void decode_rounds(const std::array<StreamCursor*, kTogether>& cursors, const std::byte* limit,
                              const DecodeTable& table, LinesAhead& ahead) {
  StreamCursor a = *cursors[0], b = *cursors[1], c = *cursors[2], d = *cursors[3];
  Bits wa(a), wb(b), wc(c), wd(d);
  const std::byte* const last = limit - kBytesOfRound;
  do {
    ahead.fetch();
    wa.fill(), wb.fill(), wc.fill(), wd.fill();
    HWY_UNROLL(5)
    for (int i = 0; i < kLookUps; ++i) {
      wa.look_up(table, a.out);
      wb.look_up(table, b.out);
      wc.look_up(table, c.out);
      wd.look_up(table, d.out);
    }
  } while (a.out < a.end && b.out < b.end && c.out < c.end && d.out < d.end && wa.in() <= last && wb.in() <= last &&
           wc.in() <= last && wd.in() <= last);
  wa.leave(&a), wb.leave(&b), wc.leave(&c), wd.leave(&d);
  *cursors[0] = a, *cursors[1] = b, *cursors[2] = c, *cursors[3] = d;
}

// Streams of different densities end after different numbers of look-ups: the place of one that has ended goes to the
// next. Where none is left, a stream that goes on fills the places: copies of its cursor write the same.
void decode_together(Cursors& all, const std::byte* limit, const DecodeTable& table, LinesAhead& ahead) {
  std::array<StreamCursor*, kTogether> places{};
  size_t next = 0;
  while (true) {
    StreamCursor* any = nullptr;
    for (StreamCursor*& c : places) {
      if (c != nullptr && !has_round(*c, limit)) c = nullptr;
      while (c == nullptr && next < all.size()) {
        StreamCursor* const other = &all[next++];
        if (has_round(*other, limit)) c = other;
      }
      if (c != nullptr) any = c;
    }
    if (any == nullptr) return;
    std::array<StreamCursor*, kTogether> filled = places;
    std::replace(filled.begin(), filled.end(), static_cast<StreamCursor*>(nullptr), any);
    decode_rounds(filled, limit, table, ahead);
  }
}

// The rest of a stream that is close to `limit`.
bool decode_rest(StreamCursor& c, const std::byte* limit, const DecodeTable& table) {
  while (c.out < c.end) {
    if (c.in >= limit) return false;
    uint64_t word = 0;
    std::memcpy(&word, c.in, static_cast<size_t>(std::min<int64_t>(8, limit - c.in)));
    const uint8_t letter = table.entries[word >> c.bit & (kWindow - 1)].letters[0];
    *c.out++ = letter;
    c.bit += table.lengths[letter];
    c.in += c.bit / 8;
    c.bit &= 7;
  }
  return true;
}

// Whether a stream with all its letters ends where it should: the bits of those beyond its end are taken off again.
bool ends_at(const StreamCursor& c, const std::byte* end, const DecodeTable& table) {
  int64_t left = (end - c.in) * 8 - static_cast<int64_t>(c.bit);
  for (const uint8_t* letter = c.end; letter < c.out; ++letter) left += table.lengths[*letter];
  return left >= 0 && left < 8;
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
  decode_together(cursors, limit, table, ahead);
  bool good = true;
  for (size_t i = 0; i < kStreams; ++i) {
    const StreamIn& in = streams[order[i]];
    good = good && decode_rest(cursors[i], limit, table) && ends_at(cursors[i], in.data + in.bytes, table);
  }
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
