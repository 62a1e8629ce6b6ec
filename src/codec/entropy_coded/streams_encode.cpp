#include <cstring>

#include "src/backend/cpu/scalar_targets.h"
#include "src/codec/entropy_coded/streams.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/codec/entropy_coded/streams_encode.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {

class BitWriter {
 public:
  explicit BitWriter(std::byte* out) : begin_(out), at_(out) {}
  // Codes of eight letters. Returns the sum of their lengths.
  HWY_INLINE uint64_t put_eight(const uint8_t* letters, const CodeTable& table) {
    const Bits first = join_four(letters, table), second = join_four(letters + 4, table);
    const uint64_t bits = first.count + second.count;
    if (HWY_LIKELY(static_cast<uint32_t>(bits) <= 56)) {
      put(first.bits | second.bits << (first.count & 63), bits);
    } else {
      put(first.bits, first.count);
      put(second.bits, second.count);
    }
    return bits;
  }
  int64_t finish() const { return at_ - begin_ + (count_ > 0 ? 1 : 0); }

 private:
  struct Bits {
    uint64_t bits, count;  // and marks of literals above the count
  };
  // Codes are joined before the chain of what is pending waits for them.
  static HWY_INLINE Bits join_four(const uint8_t* letters, const CodeTable& table) {
    const size_t a = letters[0], b = letters[1], c = letters[2], d = letters[3];
    const uint64_t first = table.codes[a] | table.codes[b] << (table.lengths[a] & 63),
                   second = table.codes[c] | table.codes[d] << (table.lengths[c] & 63);
    const uint64_t first_bits = table.lengths[a] + table.lengths[b];
    return {first | second << (first_bits & 63), first_bits + table.lengths[c] + table.lengths[d]};
  }
  // At most 56 bits.
  HWY_INLINE void put(uint64_t bits, uint64_t length) {
    pending_ |= bits << count_;
    const auto count = static_cast<uint32_t>(count_ + length);
    std::memcpy(at_, &pending_, 8);
    at_ += count >> 3;
    pending_ >>= count & 56;
    count_ = count & 7;
  }

  std::byte *begin_, *at_;
  uint64_t pending_ = 0, count_ = 0;  // bits that are not written yet: less than 8
};
static_assert(4 * kLongestCode <= 56);

// Scalar: a vector's gather of codes is no faster than its loads, and joining them costs more.
int64_t encode_any(const uint8_t* HWY_RESTRICT letters, int64_t count, const CodeTable& table, const std::byte* next,
                   int64_t next_bytes, std::byte* HWY_RESTRICT out, uint16_t** literals) {
  constexpr int64_t kBlock = 16;
  BitWriter writer(out);
  const int64_t step = next_bytes * kBlock / count;
  for (int64_t i = 0; i < count; i += kBlock) {
    for (int64_t ahead = 0; ahead < step; ahead += 64) hwy::Prefetch(next + ahead);
    next += step;
    uint64_t bits = 0;
#pragma GCC unroll 1  // unrolled, lengths go to memory and back
    for (int64_t j = i; j < i + kBlock; j += 8) bits += writer.put_eight(letters + j, table);
    if (HWY_UNLIKELY(bits >> kLiteralMark != 0)) {
      for (int64_t j = i; j < i + kBlock; ++j)
        if (table.lengths[letters[j]] >> kLiteralMark != 0) *(*literals)++ = static_cast<uint16_t>(j);
    }
  }
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
