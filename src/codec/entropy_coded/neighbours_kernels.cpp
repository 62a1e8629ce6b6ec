#include <algorithm>

#include "src/backend/cpu/targets.h"
#include "src/codec/entropy_coded/neighbours.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/codec/entropy_coded/neighbours_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using NeighbourTag = hn::CappedTag<int16_t, 16>;

// Where the first period begins at or behind `at`.
int64_t next_begin(const Axis& axis, int64_t first, int64_t at) {
  return at + (axis.period - (first + at) % axis.period) % axis.period;
}

void to_differences_any(const Axis& axis, int64_t begin, int64_t end, int64_t first, const int16_t* HWY_RESTRICT in,
                        int16_t* HWY_RESTRICT out) {
  const NeighbourTag d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  const int64_t s = axis.stride;
  if (begin < s) std::copy(in + begin, in + std::min(s, end), out + begin);
  for (int64_t i = std::max(begin, s); i < end; i += n)
    hn::StoreU(hn::Sub(hn::LoadU(d, in + i), hn::LoadU(d, in + i - s)), d, out + i);
  // What begins a period again, as it is; a part may begin within.
  if (s == 1) {
    for (int64_t i = next_begin(axis, first, begin); i < end; i += axis.period) out[i] = in[i];
    return;
  }
  for (int64_t i = next_begin(axis, first, begin) - axis.period; i < end; i += axis.period) {
    const int64_t from = std::max(i, begin), to = std::min(i + s, end);
    if (from < to) std::copy(in + from, in + to, out + from);
  }
}

// Running sums of [begin, end). May write a vector beyond, as may add_columns: who sums the next period puts it right.
void add_row(const int16_t* HWY_RESTRICT in, int64_t begin, int64_t end, int16_t* HWY_RESTRICT out) {
#if HWY_TARGET == HWY_SCALAR
  int16_t sum = 0;
  for (int64_t i = begin; i < end; ++i) out[i] = sum = static_cast<int16_t>(sum + in[i]);
#else
  const hn::CappedTag<int16_t, 8> d;
  auto sum = hn::Zero(d);
  for (int64_t i = begin; i < end; i += 8) {
    auto v = hn::LoadU(d, in + i);
    v = hn::Add(v, hn::ShiftLeftLanes<1>(d, v));
    v = hn::Add(v, hn::ShiftLeftLanes<2>(d, v));
    v = hn::Add(v, hn::ShiftLeftLanes<4>(d, v));
    hn::StoreU(hn::Add(v, sum), d, out + i);
    sum = hn::Add(sum, hn::Broadcast<7>(v));
  }
#endif
}

// The same of columns: sums stay in registers from the top to the bottom, so that no load waits for a store.
void add_columns(int64_t stride, const int16_t* HWY_RESTRICT in, int64_t begin, int64_t end,
                 int16_t* HWY_RESTRICT out) {
  const NeighbourTag d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  const int64_t columns = std::min(stride, end - begin);
  for (int64_t c = 0; c < columns; c += n) {
    // The last columns reach back, so that none of another row is written; where one row is less than a vector, the
    // next one is put right afterwards.
    const int64_t from = begin + std::max<int64_t>(0, std::min(c, stride - n));
    auto sum = hn::Zero(d);
    for (int64_t i = from; i < end; i += stride) {
      sum = hn::Add(sum, hn::LoadU(d, in + i));
      hn::StoreU(sum, d, out + i);
    }
  }
}

void from_differences_any(const Axis& axis, int64_t count, int64_t first, const int16_t* in, int16_t* out) {
  int64_t begin = 0, end = next_begin(axis, first, 0);
  if (end == 0) end = axis.period;
  while (begin < count) {
    end = std::min(end, count);
    if (axis.stride == 1) {
      add_row(in, begin, end, out);
    } else {
      add_columns(axis.stride, in, begin, end, out);
    }
    begin = end;
    end += axis.period;
  }
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cinch::codec {
HWY_EXPORT(to_differences_any);
HWY_EXPORT(from_differences_any);

void to_differences(const Axis& axis, int64_t begin, int64_t end, int64_t first, const int16_t* in, int16_t* out) {
  HWY_DYNAMIC_DISPATCH(to_differences_any)(axis, begin, end, first, in, out);
}

void from_differences(const Axis& axis, int64_t count, int64_t first, const int16_t* in, int16_t* out) {
  HWY_DYNAMIC_DISPATCH(from_differences_any)(axis, count, first, in, out);
}

}  // namespace cinch::codec
#endif
