// The quantise and pack stage of every fixed-rate format: 256 scaled values to codes of B bits in 16 rows of 16
// columns, and back. group_quant.md draws the words. Compiled once for each instruction set.
#if defined(CINCH_PACK_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CINCH_PACK_ROWS_INL_H
#undef CINCH_PACK_ROWS_INL_H
#else
#define CINCH_PACK_ROWS_INL_H
#endif

#include <hwy/highway.h>

#include "src/codec/fixed_rate/layout.h"
#include "src/codec/stage/float_rows-inl.h"
#include "src/codec/stage/rng.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Turns (x - minimum) into units of 2^(B - 16) steps, what pack_rows takes.
template <int B>
HWY_INLINE float code_scale(Sides sides) {
  const float step = bf16_to_float(sides.step);
  return step > 0.0f ? static_cast<float>(1u << (16 - B)) / step : 0.0f;
}

// Codes of one group. scaled(row, c) gives the row's values from column c on in units of 2^(B - 16) steps, from 0 to
// 2^16 - 2^(16 - B) after rounding to an integer t. Adding the low 16 - B bits of a draw to t and cutting there rounds
// up with probability of its fraction; kNearest adds half instead. Two rows share a 32-bit word, hence one draw.
template <int B, bool kNearest, class Scaled>
HWY_INLINE void pack_rows(const Scaled& scaled, uint64_t key, uint32_t* HWY_RESTRICT words) {
  const RowTag d;
  const hn::RebindToUnsigned<RowTag> du;
  const size_t n = hn::Lanes(d);
  constexpr int kFraction = 16 - B;
  constexpr uint32_t kFractionMask = ((1u << kFraction) - 1u) * 0x10001u;
  constexpr int kPairs = B == 1 ? 8 : 16 / B;  // pairs of rows in a block of words
  // Adding 1.5 * 2^23 rounds to an integer, to nearest even, and leaves it in the low bits of the sum, below
  // 0x4b400000; the odd rows subtract its upper half beforehand, so that the two halves add up to a pair of integers.
  const auto even_magic = hn::Set(d, 12582912.0f), odd_magic = hn::Set(d, 12582912.0f - 0x4b40);
  const auto fraction_mask = hn::Set(du, kFractionMask), code_mask = hn::Set(du, ~kFractionMask);
  const auto half = hn::Set(du, (1u << (kFraction - 1)) * 0x10001u);
  const auto key_low = hn::Set(du, static_cast<uint32_t>(key)),
             key_high = hn::Set(du, static_cast<uint32_t>(key >> 32));
  const auto mul1 = hn::Set(du, kMul1), mul2 = hn::Set(du, kMul2);
  const auto weyl = hn::Set(du, kWeyl);
  for (size_t c = 0; c < static_cast<size_t>(kColumns); c += n) {
    auto draws = hn::Add(key_low, hn::LoadU(du, kColumnWeyl.data() + c));
    draws = hn::Add(hn::Mul(hn::Xor(draws, hn::ShiftRight<16>(draws)), mul1), key_high);
    draws = hn::Mul(hn::Xor(draws, hn::ShiftRight<15>(draws)), mul2);
    draws = hn::Xor(draws, hn::ShiftRight<15>(draws));
    for (int block = 0; block < 8 / kPairs; ++block) {
      auto packed = hn::Zero(du);
      HWY_UNROLL(8)
      for (int i = 0; i < kPairs; ++i) {
        const int row = (block * kPairs + i) * 2;
        const auto even = hn::Add(scaled(row, c), even_magic), odd = hn::Add(scaled(row + 1, c), odd_magic);
        const auto both = hn::Add(hn::BitCast(du, even), hn::ShiftLeft<16>(hn::BitCast(du, odd)));
        auto dither = half;
        if constexpr (!kNearest) {
          dither = hn::And(draws, fraction_mask);
          draws = hn::Add(hn::Mul(draws, mul2), weyl);
          draws = hn::Xor(draws, hn::ShiftRight<15>(draws));
        }
        // Codes enter at the top of each half and sink; none crosses into the other half.
        packed = hn::Or(hn::ShiftRight<B>(packed), hn::And(hn::Add(both, dither), code_mask));
      }
      if constexpr (B == 1) {
        const auto low = hn::And(hn::ShiftRight<8>(packed), hn::Set(du, 0xffu));
        const auto folded = hn::Or(low, hn::And(hn::ShiftRight<16>(packed), hn::Set(du, 0xff00u)));
        store_u16(folded, reinterpret_cast<uint16_t*>(words) + c);
      } else {
        hn::StoreU(packed, du, words + block * kColumns + c);
      }
    }
  }
}

// Inverse: sink(row, c, codes as floats), whole rows in order, as streaming stores want them.
template <int B, class Sink>
HWY_INLINE void unpack_rows(const uint32_t* HWY_RESTRICT words, const Sink& sink) {
  const RowTag d;
  const hn::RebindToUnsigned<RowTag> du;
  const hn::RebindToSigned<RowTag> di;
  const size_t n = hn::Lanes(d);
  constexpr int kPairs = B == 1 ? 8 : 16 / B;
  constexpr int kOdd = B == 1 ? 8 : 16;  // where the odd row's codes start
  const auto mask = hn::Set(du, (1u << B) - 1u);
  for (int block = 0; block < 8 / kPairs; ++block) {
    for (int i = 0; i < kPairs; ++i) {
      for (int odd = 0; odd < 2; ++odd) {
        for (size_t c = 0; c < static_cast<size_t>(kColumns); c += n) {
          const auto w = B == 1 ? load_u16(du, reinterpret_cast<const uint16_t*>(words) + c)
                                : hn::LoadU(du, words + block * kColumns + c);
          const auto code = hn::And(hn::ShiftRightSame(w, B * i + odd * kOdd), mask);
          sink((block * kPairs + i) * 2 + odd, c, hn::ConvertTo(d, hn::BitCast(di, code)));
        }
      }
    }
  }
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
