#include "src/backend/cpu/targets.h"
#include "src/codec/entropy_coded/symbols.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/codec/entropy_coded/symbols_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using IntegerTag = hn::CappedTag<int16_t, 16>;
using LetterTag = hn::Rebind<uint8_t, IntegerTag>;

void integers_to_letters_any(const int16_t* HWY_RESTRICT in, int64_t groups, const Alphabet& a,
                             uint8_t* HWY_RESTRICT letters) {
  const IntegerTag d;
  const hn::RebindToUnsigned<IntegerTag> du;
  const LetterTag d8;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  const auto base = hn::Set(d, static_cast<int16_t>(a.base));
  const auto raw = hn::Set(du, static_cast<uint16_t>(a.raw_symbol()));
  // Below the base wraps around to more than any symbol.
  const auto symbol = [&](const int16_t* p) HWY_ATTR {
    return hn::BitCast(d, hn::Min(hn::BitCast(du, hn::Sub(hn::LoadU(d, p), base)), raw));
  };
  if (!a.paired) {
    for (int64_t i = 0; i < groups * kLetterGroup; i += n)
      hn::StoreU(hn::DemoteTo(d8, symbol(in + i)), d8, letters + i);
    return;
  }
  for (int64_t row = 0; row < groups * kLetterGroup; row += 32) {
    for (int64_t c = row; c < row + 16; c += n) {
      const auto letter = hn::Or(symbol(in + c), hn::ShiftLeft<4>(symbol(in + c + Alphabet::kToOther)));
      hn::StoreU(hn::DemoteTo(d8, letter), d8, letters + row / 2 + (c - row));
    }
  }
}

void letters_to_integers_any(const uint8_t* HWY_RESTRICT letters, int64_t groups, const Alphabet& a,
                             int16_t* HWY_RESTRICT out) {
  const IntegerTag d;
  const LetterTag d8;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  const auto base = hn::Set(d, static_cast<int16_t>(a.base)), low = hn::Set(d, int16_t{15});
  if (!a.paired) {
    for (int64_t i = 0; i < groups * kLetterGroup; i += n)
      hn::StoreU(hn::Add(hn::PromoteTo(d, hn::LoadU(d8, letters + i)), base), d, out + i);
    return;
  }
  for (int64_t row = 0; row < groups * kLetterGroup; row += 32) {
    for (int64_t c = row; c < row + 16; c += n) {
      const auto letter = hn::PromoteTo(d, hn::LoadU(d8, letters + row / 2 + (c - row)));
      hn::StoreU(hn::Add(hn::And(letter, low), base), d, out + c);
      hn::StoreU(hn::Add(hn::ShiftRight<4>(letter), base), d, out + c + Alphabet::kToOther);
    }
  }
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cinch::codec {
HWY_EXPORT(integers_to_letters_any);
HWY_EXPORT(letters_to_integers_any);

void integers_to_letters(const int16_t* in, int64_t groups, const Alphabet& alphabet, uint8_t* letters) {
  HWY_DYNAMIC_DISPATCH(integers_to_letters_any)(in, groups, alphabet, letters);
}

void letters_to_integers(const uint8_t* letters, int64_t groups, const Alphabet& alphabet, int16_t* out) {
  HWY_DYNAMIC_DISPATCH(letters_to_integers_any)(letters, groups, alphabet, out);
}

}  // namespace cinch::codec
#endif
