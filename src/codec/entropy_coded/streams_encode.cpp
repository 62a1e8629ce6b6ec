#include <cstring>

#include "src/backend/cpu/byte_lookup_targets.h"
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
  // Codes that were joined already, at most 56 bits.
  HWY_INLINE void put_joined(uint64_t bits, uint64_t length) { put(bits, length); }
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

constexpr int64_t kBlock = 16;

#if HWY_TARGET == HWY_AVX3_DL
// Codes of 64 letters at once, looked up in registers and joined by eights.
class JoinedCodes {
 public:
  static constexpr int64_t kLettersAtOnce = 64;

  explicit JoinedCodes(const CodeTable& table) {
    for (int i = 0; i < 4; ++i) {
      low_[i] = _mm512_load_si512(table.bytes[0].data() + 64 * i);
      high_[i] = _mm512_load_si512(table.bytes[1].data() + 64 * i);
    }
  }
  // Returns which letters are literals.
  HWY_INLINE uint64_t join(const uint8_t* letters) {
    const __m512i at = _mm512_loadu_si512(letters);
    const __mmask64 upper = _mm512_movepi8_mask(at);
    const __m512i low = look_up(low_, at, upper), marked = look_up(high_, at, upper);
    const __m512i high = _mm512_and_si512(marked, _mm512_set1_epi8(0x7f));
    // Codes in the low 11 bits, lengths above them; eights of letters take turns between the two halves.
    const Four a = join_four(_mm512_unpacklo_epi8(low, high)), b = join_four(_mm512_unpackhi_epi8(low, high));
    const __m512i first = _mm512_unpacklo_epi64(a.bits, b.bits), second = _mm512_unpackhi_epi64(a.bits, b.bits);
    const __m512i first_count = _mm512_unpacklo_epi64(a.counts, b.counts),
                  second_count = _mm512_unpackhi_epi64(a.counts, b.counts);
    const __m512i count = _mm512_add_epi64(first_count, second_count);
    by_eights = _mm512_cmpgt_epu64_mask(count, _mm512_set1_epi64(56)) == 0;
    if (HWY_LIKELY(by_eights)) {
      store(_mm512_or_si512(first, _mm512_sllv_epi64(second, first_count)), count, 0);
    } else {
      store(first, first_count, 0);
      store(second, second_count, 8);
    }
    return _mm512_movepi8_mask(marked);
  }

  // Of eight letters each, where they fit 56 bits; else of the first four of each eight, and then of the second.
  // Volatile, because GCC would take them out of vectors, which is slower than from memory.
  alignas(64) volatile uint64_t bits[16], counts[16];
  bool by_eights = true;

 private:
  struct Four {
    __m512i bits, counts;
  };
  HWY_INLINE void store(__m512i some_bits, __m512i some_counts, int at) {
    _mm512_store_si512(const_cast<uint64_t*>(bits + at), some_bits);
    _mm512_store_si512(const_cast<uint64_t*>(counts + at), some_counts);
  }
  static HWY_INLINE __m512i look_up(const __m512i* table, __m512i at, __mmask64 upper) {
    return _mm512_mask_blend_epi8(upper, _mm512_permutex2var_epi8(table[0], at, table[1]),
                                  _mm512_permutex2var_epi8(table[2], at, table[3]));
  }
  static HWY_INLINE Four join_four(__m512i entries) {
    const __m512i codes = _mm512_and_si512(entries, _mm512_set1_epi16(0x7ff)), counts = _mm512_srli_epi16(entries, 11);
    const __m512i low16 = _mm512_set1_epi32(0xffff), low32 = _mm512_set1_epi64(0xffffffff);
    const __m512i twos =
        _mm512_or_si512(_mm512_and_si512(codes, low16),
                        _mm512_sllv_epi32(_mm512_srli_epi32(codes, 16), _mm512_and_si512(counts, low16)));
    const __m512i count_of_twos = _mm512_madd_epi16(counts, _mm512_set1_epi16(1));
    const __m512i first_count = _mm512_and_si512(count_of_twos, low32);
    return {_mm512_or_si512(_mm512_and_si512(twos, low32), _mm512_sllv_epi64(_mm512_srli_epi64(twos, 32), first_count)),
            _mm512_add_epi64(first_count, _mm512_srli_epi64(count_of_twos, 32))};
  }

  __m512i low_[4], high_[4];
};

// As many letters as it does; scalar code does the rest.
int64_t encode_joined(const uint8_t* HWY_RESTRICT letters, int64_t count, const CodeTable& table, const std::byte* next,
                      int64_t step, BitWriter& result, uint16_t** literals) {
  JoinedCodes joined(table);
  BitWriter writer = result;  // in registers: what is written might be part of what it refers to

  int64_t i = 0;
  for (; i + JoinedCodes::kLettersAtOnce <= count; i += JoinedCodes::kLettersAtOnce) {
    for (int64_t ahead = 0; ahead < step * (JoinedCodes::kLettersAtOnce / kBlock); ahead += 64)
      hwy::Prefetch(next + ahead);
    next += step * (JoinedCodes::kLettersAtOnce / kBlock);
    uint64_t marks = joined.join(letters + i);
    if (HWY_LIKELY(joined.by_eights)) {
#pragma GCC unroll 8
      for (int j = 0; j < 8; ++j) writer.put_joined(joined.bits[j], joined.counts[j]);
    } else {
      for (int j = 0; j < 8; ++j) {
        writer.put_joined(joined.bits[j], joined.counts[j]);
        writer.put_joined(joined.bits[8 + j], joined.counts[8 + j]);
      }
    }
    for (; marks != 0; marks &= marks - 1)
      *(*literals)++ = static_cast<uint16_t>(i + static_cast<int64_t>(hwy::Num0BitsBelowLS1Bit_Nonzero64(marks)));
  }
  result = writer;
  return i;
}
#else
// A gather of codes is no faster than a scalar's loads, and joining them costs more.
int64_t encode_joined(const uint8_t*, int64_t, const CodeTable&, const std::byte*, int64_t, BitWriter&, uint16_t**) {
  return 0;
}
#endif

int64_t encode_any(const uint8_t* HWY_RESTRICT letters, int64_t count, const CodeTable& table, const std::byte* next,
                   int64_t next_bytes, std::byte* HWY_RESTRICT out, uint16_t** literals) {
  BitWriter writer(out);
  const int64_t step = next_bytes * kBlock / count;
  int64_t i = encode_joined(letters, count, table, next, step, writer, literals);
  next += i / kBlock * step;
  for (; i < count; i += kBlock) {
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
