#include "src/codec/fixed_rate/kernels.h"

#include "src/backend/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/codec/fixed_rate/kernels.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "src/codec/fixed_rate/pack_rows-inl.h"
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

template <class T>
bool measure(const T* in, int64_t groups, float smallest, Sides* sides) {
  bool ok = true;
  for (int64_t g = 0; g < groups; ++g) {
    float min, max;
    ok &= range_of(in + g * kGroup, &min, &max);
    sides[g] = make_sides(min, max, 1);
    if (bf16_to_float(sides[g].step) < smallest) sides[g].step = 0;
  }
  return ok;
}

template <int B, bool kNearest, class T>
HWY_INLINE void quantise(const T* HWY_RESTRICT in, Sides sides, uint64_t key, uint32_t* HWY_RESTRICT words) {
  const RowTag d;
  const auto minimum = hn::Set(d, bf16_to_float(sides.minimum)), scale = hn::Set(d, code_scale<B>(sides));
  const auto scaled = [&](int row, size_t c)
                          HWY_ATTR { return hn::Mul(hn::Sub(load_row(d, in + row * kColumns + c), minimum), scale); };
  pack_rows<B, kNearest>(scaled, key, words);
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
  const auto minimum = hn::Set(d, bf16_to_float(sides.minimum)), step = hn::Set(d, bf16_to_float(sides.step));
  unpack_rows<B>(words, [&](int row, size_t c, auto code) HWY_ATTR {
    store_row<kStream>(hn::Add(minimum, hn::Mul(code, step)), d, out + row * kColumns + c);
  });
}

template <int B, bool kStream, class T>
void decode(const Sides* sides, const std::byte* codes, int64_t groups, T* out) {
  for (int64_t g = 0; g < groups; ++g) {
    dequantise<B, kStream>(sides[g], reinterpret_cast<const uint32_t*>(codes + g * code_bytes(B)), out + g * kGroup);
  }
}

bool encode_any(const void* in, int64_t groups, int64_t first, const GroupQuantParams& p, Sides* sides,
                std::byte* codes) {
  return with_float_type(p.dtype, [&](auto zero) {
    const auto* values = static_cast<const decltype(zero)*>(in);
    return with_bits(p.bits, [&](auto bits) {
      constexpr int B = decltype(bits)::value;
      return p.nearest ? encode<B, true>(values, groups, first, p.key, sides, codes)
                       : encode<B, false>(values, groups, first, p.key, sides, codes);
    });
  });
}

bool measure_any(const void* in, int64_t groups, DType dtype, float smallest, Sides* sides) {
  return with_float_type(
      dtype, [&](auto zero) { return measure(static_cast<const decltype(zero)*>(in), groups, smallest, sides); });
}

void decode_any(const Sides* sides, const std::byte* codes, int64_t groups, int bits, DType dtype, void* out,
                bool stream) {
  with_float_type(dtype, [&](auto zero) {
    auto* values = static_cast<decltype(zero)*>(out);
    with_bits(bits, [&](auto b) {
      constexpr int B = decltype(b)::value;
      stream ? decode<B, true>(sides, codes, groups, values) : decode<B, false>(sides, codes, groups, values);
    });
  });
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cinch::codec {

void finish_streaming() { hwy::FlushStream(); }

HWY_EXPORT(encode_any);
HWY_EXPORT(measure_any);
HWY_EXPORT(decode_any);

bool encode_groups(const void* in, int64_t groups, int64_t first, const GroupQuantParams& params, Sides* sides,
                   std::byte* codes) {
  return HWY_DYNAMIC_DISPATCH(encode_any)(in, groups, first, params, sides, codes);
}

bool measure_groups(const void* in, int64_t groups, DType dtype, float smallest, Sides* sides) {
  return HWY_DYNAMIC_DISPATCH(measure_any)(in, groups, dtype, smallest, sides);
}

void decode_groups(const Sides* sides, const std::byte* codes, int64_t groups, int bits, DType dtype, void* out,
                   bool stream) {
  HWY_DYNAMIC_DISPATCH(decode_any)(sides, codes, groups, bits, dtype, out, stream);
}

}  // namespace cinch::codec
#endif
