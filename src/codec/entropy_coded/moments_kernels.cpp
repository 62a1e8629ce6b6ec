#include <algorithm>
#include <limits>

#include "src/backend/cpu/targets.h"
#include "src/codec/entropy_coded/fit_rules.h"
#include "src/codec/entropy_coded/letters.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/codec/entropy_coded/moments_kernels.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "src/codec/stage/float_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using MomentTagU = hn::RebindToUnsigned<RowTag>;
constexpr size_t kColumnsOfMoments = 16;

// Sixteen columns have sums of their own, which are added by halves: every instruction set gives the same, and so does
// a kernel. `part` takes the sums.
template <class T>
HWY_INLINE void add_moments(const T* in, float origin, Moments& m, PartSums& part) {
  const RowTag d;
  const MomentTagU du;
  const size_t n = hn::Lanes(d);
  HWY_ALIGN float sums[16], squares[16], lows[16], highs[16];
  HWY_ALIGN uint32_t counts[16];
  const auto largest = hn::Set(d, std::numeric_limits<float>::max()),
             infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  for (size_t c = 0; c < kColumnsOfMoments; c += n) {
    auto sum = hn::Zero(d), square = sum, low = infinity, high = hn::Neg(infinity);
    auto count = hn::Zero(du);
    for (size_t row = 0; row < 16; ++row) {
      const auto x = load_row(d, in + row * kColumnsOfMoments + c);
      const auto finite = hn::Le(hn::Abs(x), largest);
      const auto from_origin = hn::IfThenElseZero(finite, hn::Sub(x, hn::Set(d, origin)));
      sum = hn::Add(sum, from_origin);
      square = hn::Add(square, hn::Mul(from_origin, from_origin));
      low = hn::Min(low, hn::IfThenElse(finite, x, infinity));
      high = hn::Max(high, hn::IfThenElse(finite, x, hn::Neg(infinity)));
      count = hn::Add(count, hn::IfThenElseZero(hn::RebindMask(du, finite), hn::Set(du, 1u)));
    }
    hn::Store(sum, d, sums + c);
    hn::Store(square, d, squares + c);
    hn::Store(low, d, lows + c);
    hn::Store(high, d, highs + c);
    hn::Store(count, du, counts + c);
  }
  PartSums columns[kColumnsOfMoments];
  for (size_t c = 0; c < kColumnsOfMoments; ++c) {
    columns[c] = {static_cast<double>(sums[c]), static_cast<double>(squares[c])};
    m.count += counts[c];
    m.min = lows[c] < m.min ? lows[c] : m.min;
    m.max = highs[c] > m.max ? highs[c] : m.max;
  }
  add_halves(columns, kColumnsOfMoments);
  part += columns[0];
}

template <class T>
HWY_INLINE void prefetch_group(const T* group) {
  constexpr int64_t kLine = 64 / sizeof(T);
  for (int64_t i = 0; i < kLetterGroup; i += kLine) hwy::Prefetch(group + i);
}

Moments moments_any(const void* in, DType dtype, const GroupSample& sample, float origin, int64_t begin, int64_t end,
                    PartSums* parts) {
  return with_float_type(dtype, [&](auto tag) {
    using T = decltype(tag);
    Moments m;
    m.min = std::numeric_limits<float>::infinity();
    m.max = -m.min;
    const auto group_at = [&](int64_t i) { return static_cast<const T*>(in) + sample.group(i) * kLetterGroup; };
    for (int64_t first = 0; first + begin < sample.count; first += kMomentParts) {
      const int64_t last = std::min(first + end, sample.count);
      const T* group = group_at(first + begin);
      for (int64_t i = first + begin; i < last; ++i) {
        const T* next = i + 1 < last ? group_at(i + 1) : group;
        prefetch_group(next);  // nothing foresees where it is
        add_moments(group, origin, m, parts[i - first]);
        group = next;
      }
    }
    return m;
  });
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cinch::codec {
HWY_EXPORT(moments_any);

Moments moments_of_parts(const void* in, DType dtype, const GroupSample& sample, float origin, int64_t begin,
                         int64_t end, PartSums* parts) {
  return HWY_DYNAMIC_DISPATCH(moments_any)(in, dtype, sample, origin, begin, end, parts);
}

}  // namespace cinch::codec
#endif
