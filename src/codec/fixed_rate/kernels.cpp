#include "src/codec/fixed_rate/kernels.h"

#include "src/backend/cpu/targets.h"
#include "src/codec/stage/rng.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/codec/fixed_rate/kernels.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "src/codec/stage/float_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kBatch = 8;  // groups between the passes: 8 KiB of float32 stay in the first cache, and sides overlap

// Minimum and maximum; false for a value that cannot be coded. A sum is the cheapest carrier of NaN: min and max drop
// it. Four chains each hide the latency of an operation; no early exit, so that one pass does it all.
template <class T>
HWY_INLINE bool range_of(const T* HWY_RESTRICT in, float* min, float* max) {
  const RowTag d;
  const size_t n = hn::Lanes(d);
  auto low0 = load_row(d, in), low1 = load_row(d, in + n), low2 = load_row(d, in + 2 * n),
       low3 = load_row(d, in + 3 * n);
  auto high0 = low0, high1 = low1, high2 = low2, high3 = low3, sum0 = low0, sum1 = low1, sum2 = low2, sum3 = low3;
  for (size_t i = 4 * n; i < static_cast<size_t>(kGroup); i += 4 * n) {
    const auto a = load_row(d, in + i), b = load_row(d, in + i + n), c = load_row(d, in + i + 2 * n),
               e = load_row(d, in + i + 3 * n);
    low0 = hn::Min(low0, a), low1 = hn::Min(low1, b), low2 = hn::Min(low2, c), low3 = hn::Min(low3, e);
    high0 = hn::Max(high0, a), high1 = hn::Max(high1, b), high2 = hn::Max(high2, c), high3 = hn::Max(high3, e);
    sum0 = hn::Add(sum0, a), sum1 = hn::Add(sum1, b), sum2 = hn::Add(sum2, c), sum3 = hn::Add(sum3, e);
  }
  *min = hn::GetLane(hn::MinOfLanes(d, hn::Min(hn::Min(low0, low1), hn::Min(low2, low3))));
  *max = hn::GetLane(hn::MaxOfLanes(d, hn::Max(hn::Max(high0, high1), hn::Max(high2, high3))));
  const auto sum = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
  const bool finite = hn::AllTrue(d, hn::Eq(sum, sum));
  return finite & (*min > -kLargestCoded) & (*max < kLargestCoded);
}

// Codes of one group. A value becomes t = round((x - minimum) / step * 2^(16 - B)), at most 16 bits because the sides
// hold the whole range; adding the low 16 - B bits of a draw and cutting there rounds up with probability of its
// fraction. Two rows share a 32-bit word, hence one draw.
template <int B, bool kNearest, class T>
HWY_INLINE void quantise(const T* HWY_RESTRICT in, Sides sides, uint64_t key, uint32_t* HWY_RESTRICT words) {
  const RowTag d;
  const hn::RebindToUnsigned<RowTag> du;
  const size_t n = hn::Lanes(d);
  constexpr int kFraction = 16 - B;
  constexpr uint32_t kFractionMask = ((1u << kFraction) - 1u) * 0x10001u;
  constexpr int kPairs = B == 1 ? 8 : 16 / B;  // pairs of rows in a block of words
  const float step = bf16_to_float(sides.step);
  const auto minimum = hn::Set(d, bf16_to_float(sides.minimum));
  const auto scale = hn::Set(d, step > 0.0f ? static_cast<float>(1u << kFraction) / step : 0.0f);
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
        const T* rows = in + (block * kPairs + i) * 2 * kColumns + c;
        const auto even = hn::Add(hn::Mul(hn::Sub(load_row(d, rows), minimum), scale), even_magic);
        const auto odd = hn::Add(hn::Mul(hn::Sub(load_row(d, rows + kColumns), minimum), scale), odd_magic);
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

template <int B, bool kNearest, class T>
bool encode(const T* in, int64_t groups, int64_t first, uint64_t key, Sides* sides, std::byte* codes) {
  for (int64_t g = 0; g < groups; g += kBatch) {
    const int64_t count = HWY_MIN(kBatch, groups - g);
    float min[kBatch], max[kBatch];
    bool ok = true;
    for (int64_t i = 0; i < count; ++i) ok &= range_of(in + (g + i) * kGroup, &min[i], &max[i]);
    if (!ok) return false;
    for (int64_t i = 0; i < count; ++i) sides[g + i] = make_sides(min[i], max[i], (1 << B) - 1);
    for (int64_t i = 0; i < count; ++i) {
      quantise<B, kNearest>(in + (g + i) * kGroup, sides[g + i], group_key(key, first + g + i),
                            reinterpret_cast<uint32_t*>(codes + (g + i) * code_bytes(B)));
    }
  }
  return true;
}

template <int B, bool kStream, class T>
HWY_INLINE void dequantise(Sides sides, const uint32_t* HWY_RESTRICT words, T* HWY_RESTRICT out) {
  const RowTag d;
  const hn::RebindToUnsigned<RowTag> du;
  const hn::RebindToSigned<RowTag> di;
  const size_t n = hn::Lanes(d);
  constexpr int kPairs = B == 1 ? 8 : 16 / B;
  constexpr int kOdd = B == 1 ? 8 : 16;  // where the odd row's codes start
  const auto minimum = hn::Set(d, bf16_to_float(sides.minimum)), step = hn::Set(d, bf16_to_float(sides.step));
  const auto mask = hn::Set(du, (1u << B) - 1u);
  const auto value = [&](auto code) {
    return hn::Add(minimum, hn::Mul(hn::ConvertTo(d, hn::BitCast(di, hn::And(code, mask))), step));
  };
  for (int block = 0; block < 8 / kPairs; ++block) {
    for (int i = 0; i < kPairs; ++i) {
      T* rows = out + (block * kPairs + i) * 2 * kColumns;
      // Whole rows in order: streaming stores want full cache lines.
      for (int odd = 0; odd < 2; ++odd) {
        for (size_t c = 0; c < static_cast<size_t>(kColumns); c += n) {
          const auto w = B == 1 ? load_u16(du, reinterpret_cast<const uint16_t*>(words) + c)
                                : hn::LoadU(du, words + block * kColumns + c);
          store_row<kStream>(value(hn::ShiftRightSame(w, B * i + odd * kOdd)), d, rows + odd * kColumns + c);
        }
      }
    }
  }
}

template <int B, bool kStream, class T>
void decode(const Sides* sides, const std::byte* codes, int64_t groups, T* out) {
  for (int64_t g = 0; g < groups; ++g) {
    dequantise<B, kStream>(sides[g], reinterpret_cast<const uint32_t*>(codes + g * code_bytes(B)), out + g * kGroup);
  }
  if (kStream) hwy::FlushStream();
}

template <class T>
bool encode_typed(const void* in, int64_t groups, int64_t first, const GroupQuantParams& p, Sides* sides,
                  std::byte* codes) {
  const auto* values = static_cast<const T*>(in);
  const auto run = [&](auto bits) {
    constexpr int B = decltype(bits)::value;
    return p.nearest ? encode<B, true>(values, groups, first, p.key, sides, codes)
                     : encode<B, false>(values, groups, first, p.key, sides, codes);
  };
  switch (p.bits) {
    case 1:
      return run(std::integral_constant<int, 1>());
    case 2:
      return run(std::integral_constant<int, 2>());
    case 4:
      return run(std::integral_constant<int, 4>());
    default:
      return run(std::integral_constant<int, 8>());
  }
}

template <class T>
void decode_typed(const Sides* sides, const std::byte* codes, int64_t groups, int bits, void* out, bool stream) {
  auto* values = static_cast<T*>(out);
  const auto run = [&](auto b) {
    constexpr int B = decltype(b)::value;
    stream ? decode<B, true>(sides, codes, groups, values) : decode<B, false>(sides, codes, groups, values);
  };
  switch (bits) {
    case 1:
      return run(std::integral_constant<int, 1>());
    case 2:
      return run(std::integral_constant<int, 2>());
    case 4:
      return run(std::integral_constant<int, 4>());
    default:
      return run(std::integral_constant<int, 8>());
  }
}

bool encode_any(const void* in, int64_t groups, int64_t first, const GroupQuantParams& p, Sides* sides,
                std::byte* codes) {
  switch (p.dtype) {
    case DType::kFloat32:
      return encode_typed<float>(in, groups, first, p, sides, codes);
    case DType::kBFloat16:
      return encode_typed<hwy::bfloat16_t>(in, groups, first, p, sides, codes);
    default:
      return encode_typed<hwy::float16_t>(in, groups, first, p, sides, codes);
  }
}

void decode_any(const Sides* sides, const std::byte* codes, int64_t groups, int bits, DType dtype, void* out,
                bool stream) {
  switch (dtype) {
    case DType::kFloat32:
      return decode_typed<float>(sides, codes, groups, bits, out, stream);
    case DType::kBFloat16:
      return decode_typed<hwy::bfloat16_t>(sides, codes, groups, bits, out, stream);
    default:
      return decode_typed<hwy::float16_t>(sides, codes, groups, bits, out, stream);
  }
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cinch::codec {
HWY_EXPORT(encode_any);
HWY_EXPORT(decode_any);

bool encode_groups(const void* in, int64_t groups, int64_t first, const GroupQuantParams& params, Sides* sides,
                   std::byte* codes) {
  return HWY_DYNAMIC_DISPATCH(encode_any)(in, groups, first, params, sides, codes);
}

void decode_groups(const Sides* sides, const std::byte* codes, int64_t groups, int bits, DType dtype, void* out,
                   bool stream) {
  HWY_DYNAMIC_DISPATCH(decode_any)(sides, codes, groups, bits, dtype, out, stream);
}

}  // namespace cinch::codec
#endif
