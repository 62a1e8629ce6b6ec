#include <algorithm>
#include <cstring>

#include "src/codec/entropy_coded/streams.h"

namespace cinch::codec {
namespace {

constexpr int kMostLookUps = 5;  // between two loads: 5 * 11 of the 57 bits that a load gives at least
constexpr int kTogether = 4;     // streams whose chains of look-ups overlap; more would not fit the registers

struct Cursor {
  const std::byte* data;
  uint64_t bit;
  uint8_t* out;
  uint8_t* end;
};

uint64_t load64(const std::byte* p) noexcept {
  uint64_t word;
  std::memcpy(&word, p, 8);
  return word;
}

// Adds what was used to `used`: bits in the low byte, letters above them.
inline void look_up(const DecodeTable& table, uint64_t& word, uint8_t*& out, uint64_t& used) noexcept {
  const uint64_t entry = table.entries[word & (kWindow - 1)], both = entry >> 48;
  std::memcpy(out, &entry, 8);
  out += both >> 8;
  word >>= both & 63;
  used += both;
}

// Rounds of look-ups for which a cursor has room and input.
template <int kLookUps>
int64_t rounds(const Cursor& c, const std::byte* limit) noexcept {
  const int64_t letters = (c.end - c.out) / (kLookUps * kLettersAtOnce);
  const int64_t bytes = (limit - (c.data + c.bit / 8) - 8) / 7;  // a round uses less than 7 bytes
  return std::min(letters, bytes);
}

template <int kLookUps>
void decode_together(std::array<Cursor, kTogether>& cursors, const std::byte* limit,
                     const DecodeTable& table) noexcept {
  while (true) {
    int64_t n = rounds<kLookUps>(cursors[0], limit);
    for (const Cursor& c : cursors) n = std::min(n, rounds<kLookUps>(c, limit));
    if (n <= 0) return;
    auto [a, b, c, d] = cursors;
    for (; n > 0; --n) {
      uint64_t wa = load64(a.data + a.bit / 8) >> (a.bit & 7), wb = load64(b.data + b.bit / 8) >> (b.bit & 7);
      uint64_t wc = load64(c.data + c.bit / 8) >> (c.bit & 7), wd = load64(d.data + d.bit / 8) >> (d.bit & 7);
      uint64_t ua = 0, ub = 0, uc = 0, ud = 0;
      for (int i = 0; i < kLookUps; ++i) {
        look_up(table, wa, a.out, ua);
        look_up(table, wb, b.out, ub);
        look_up(table, wc, c.out, uc);
        look_up(table, wd, d.out, ud);
      }
      a.bit += ua & 0xff, b.bit += ub & 0xff, c.bit += uc & 0xff, d.bit += ud & 0xff;
    }
    cursors = {a, b, c, d};
  }
}

// The rest of a stream, and streams that are close to `limit`.
bool decode_rest(Cursor c, int64_t bytes, const std::byte* limit, const DecodeTable& table) noexcept {
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
      const auto letter = static_cast<uint8_t>(table.entries[word & (kWindow - 1)]);
      *c.out++ = letter;
      c.bit += table.lengths[letter];
    }
  }
  return static_cast<int64_t>(c.bit + 7) / 8 == bytes;
}

}  // namespace

bool decode_letters(std::array<StreamIn, kStreams>& streams, const std::byte* limit,
                    const DecodeTable& table) noexcept {
  bool good = true;
  for (size_t s = 0; s < kStreams; s += kTogether) {
    std::array<Cursor, kTogether> cursors;
    for (size_t i = 0; i < kTogether; ++i) {
      const StreamIn& in = streams[s + i];
      cursors[i] = {in.data, 0, in.letters, in.letters + in.count};
    }
    decode_together<kMostLookUps>(cursors, limit, table);
    decode_together<1>(cursors, limit, table);
    for (size_t i = 0; i < kTogether; ++i) good &= decode_rest(cursors[i], streams[s + i].bytes, limit, table);
  }
  return good;
}

}  // namespace cinch::codec
