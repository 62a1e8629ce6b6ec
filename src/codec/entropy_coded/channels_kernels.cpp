#include <algorithm>
#include <cstring>

#include "src/backend/cpu/targets.h"
#include "src/codec/entropy_coded/channels.h"
#include "src/codec/stage/grid.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/codec/entropy_coded/channels_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "src/codec/stage/float_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// body(offset, lanes, mean, sigma, inverse) for each vector of a run; a run is of one channel, or of one after the
// other.
template <class Body>
HWY_INLINE void for_channel_rows(int64_t first, int64_t count, const Channels& ch, Body&& body) {
  const RowTag d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const Grid& g = ch.grid;
  MapCursor(g, first).runs(count, [&](int64_t offset, int64_t length, int64_t slab, int64_t i) HWY_ATTR {
    const int64_t channel = slab % g.channels * g.inner + i;
    if (g.inner == 1) {
      const auto mean = hn::Set(d, ch.mean[channel]), sigma = hn::Set(d, ch.sigma[channel]),
                 inverse = hn::Set(d, ch.inverse[channel]);
      for (int64_t k = 0; k < length; k += lanes) body(offset + k, std::min(lanes, length - k), mean, sigma, inverse);
    } else {
      for (int64_t k = 0; k < length; k += lanes)
        body(offset + k, std::min(lanes, length - k), hn::LoadU(d, ch.mean + channel + k),
             hn::LoadU(d, ch.sigma + channel + k), hn::LoadU(d, ch.inverse + channel + k));
    }
  });
}

void to_deviations_any(const void* in, DType dtype, int64_t first, int64_t count, const Channels& channels,
                       float* out) {
  with_float_type(dtype, [&](auto tag) {
    using T = decltype(tag);
    const T* values = static_cast<const T*>(in);
    const RowTag d;
    const auto zero = hn::Zero(d), almost = hn::Set(d, kAlmostZero);
    for_channel_rows(first, count, channels, [&](int64_t at, int64_t n, auto mean, auto, auto inverse) HWY_ATTR {
      const auto x = load_up_to(d, values + at, n);
      auto y = hn::Mul(hn::Sub(x, mean), inverse);
      y = hn::IfThenElse(hn::Eq(y, zero), almost, y);
      y = hn::IfThenElse(hn::Eq(x, zero), zero, y);
      if (HWY_LIKELY(n == static_cast<int64_t>(hn::Lanes(d)))) {
        hn::StoreU(y, d, out + at);
      } else {
        HWY_ALIGN float row[16];
        hn::Store(y, d, row);
        std::memcpy(out + at, row, static_cast<size_t>(n) * sizeof(float));
      }
    });
  });
}

void from_deviations_any(const float* in, int64_t first, int64_t count, const Channels& channels, DType dtype,
                         void* out) {
  with_float_type(dtype, [&](auto tag) {
    using T = decltype(tag);
    T* values = static_cast<T*>(out);
    const RowTag d;
    const auto zero = hn::Zero(d), smallest = hn::Set(d, kSmallestShare);
    for_channel_rows(first, count, channels, [&](int64_t at, int64_t n, auto mean, auto sigma, auto) HWY_ATTR {
      const auto y = load_up_to(d, in + at, n);
      auto x = hn::Add(mean, hn::Mul(y, sigma));
      x = hn::IfThenElse(hn::Eq(x, zero), hn::Mul(sigma, smallest), x);
      x = hn::IfThenElse(hn::Eq(y, zero), zero, x);
      if (HWY_LIKELY(n == static_cast<int64_t>(hn::Lanes(d)))) {
        store_row<false>(x, d, values + at);
      } else {
        HWY_ALIGN T row[16];
        store_row<false>(x, d, row);
        std::memcpy(values + at, row, static_cast<size_t>(n) * sizeof(T));
      }
    });
  });
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cinch::codec {
HWY_EXPORT(to_deviations_any);
HWY_EXPORT(from_deviations_any);

void to_deviations(const void* in, DType dtype, int64_t first, int64_t count, const Channels& channels,
                   float* out) noexcept {
  HWY_DYNAMIC_DISPATCH(to_deviations_any)(in, dtype, first, count, channels, out);
}

void from_deviations(const float* in, int64_t first, int64_t count, const Channels& channels, DType dtype,
                     void* out) noexcept {
  HWY_DYNAMIC_DISPATCH(from_deviations_any)(in, first, count, channels, dtype, out);
}

}  // namespace cinch::codec
#endif
