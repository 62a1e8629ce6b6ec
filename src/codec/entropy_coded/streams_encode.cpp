#include <cstring>

#include "src/backend/cpu/targets.h"
#include "src/codec/entropy_coded/streams.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/codec/entropy_coded/streams_encode.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

class BitWriter {
 public:
  explicit BitWriter(std::byte* out) : begin_(out), at_(out) {}
  // Code in the low 56 bits, its length above.
  HWY_INLINE void put(uint64_t code) {
    add(code);
    flush();
  }
  // Two at once, where 56 bits hold both, as they mostly do.
  HWY_INLINE void put(uint64_t first, uint64_t second) {
    add(first);
    if (HWY_UNLIKELY((first >> 56) + (second >> 56) > 56)) flush();
    put(second);
  }
  int64_t finish() const { return at_ - begin_ + (count_ > 0 ? 1 : 0); }

 private:
  HWY_INLINE void add(uint64_t code) {
    pending_ |= (code & ((uint64_t{1} << 56) - 1)) << count_;
    count_ += code >> 56;
  }
  HWY_INLINE void flush() {
    std::memcpy(at_, &pending_, 8);
    at_ += count_ >> 3;
    pending_ >>= count_ & ~uint64_t{7};
    count_ &= 7;
  }

  std::byte *begin_, *at_;
  uint64_t pending_ = 0, count_ = 0;
};

int64_t encode_any(const uint8_t* HWY_RESTRICT letters, int64_t count, const CodeTable& table, const std::byte* next,
                   int64_t next_bytes, std::byte* HWY_RESTRICT out, uint16_t** literals) {
  BitWriter writer(out);
#if HWY_TARGET == HWY_SCALAR
  (void)next;
  (void)next_bytes;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t entry = table.entries[letters[i]];
    if ((entry & kIsLiteral) != 0) *(*literals)++ = static_cast<uint16_t>(i);
    writer.put((entry & 0xffff) | uint64_t{entry >> 16 & 31} << 56);
  }
#else
  const hn::CappedTag<uint32_t, 16> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Repartition<uint64_t, decltype(d)> d64;
  const hn::Rebind<uint8_t, decltype(d)> d8;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  const auto literal = hn::Set(d, kIsLiteral);
  const auto code_bits = hn::Set(d64, uint64_t{0xffff}), length_bits = hn::Set(d64, uint64_t{31});
  HWY_ALIGN uint64_t four[8];
  const int64_t step = next_bytes * n / count;
  for (int64_t i = 0; i < count; i += n) {
    for (int64_t ahead = 0; ahead < step; ahead += 64) hwy::Prefetch(next + ahead);
    next += step;
    const auto index = hn::BitCast(di, hn::PromoteTo(d, hn::LoadU(d8, letters + i)));
    const auto entries = hn::GatherIndex(d, table.entries.data(), index);
    if (HWY_UNLIKELY(!hn::AllFalse(d, hn::TestBit(entries, literal)))) {
      for (int64_t j = i; j < i + n; ++j)
        if ((table.entries[letters[j]] & kIsLiteral) != 0) *(*literals)++ = static_cast<uint16_t>(j);
    }
    // Codes of two letters in a lane of 64 bits, then of four in each even lane, which go to memory together.
    const auto e = hn::BitCast(d64, entries);
    const auto first = hn::And(e, code_bits), second = hn::And(hn::ShiftRight<32>(e), code_bits);
    const auto first_length = hn::And(hn::ShiftRight<16>(e), length_bits);
    const auto two = hn::Or(first, hn::Shl(second, first_length));
    const auto two_length = hn::Add(first_length, hn::And(hn::ShiftRight<48>(e), length_bits));
    const auto code = hn::Or(two, hn::Shl(hn::Shuffle01(two), two_length));
    const auto length = hn::Add(two_length, hn::Shuffle01(two_length));
    hn::Store(hn::Or(code, hn::ShiftLeft<56>(length)), d64, four);
    if (n == 4) writer.put(four[0]);
    for (int64_t j = 0; j + 2 < n / 2; j += 4) writer.put(four[j], four[j + 2]);
  }
#endif
  return writer.finish();
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cinch::codec {
HWY_EXPORT(encode_any);

int64_t encode_letters(const uint8_t* letters, int64_t count, const CodeTable& table, const std::byte* next,
                       int64_t next_bytes, std::byte* out, uint16_t** literals) {
  return HWY_DYNAMIC_DISPATCH(encode_any)(letters, count, table, next, next_bytes, out, literals);
}

}  // namespace cinch::codec
#endif
