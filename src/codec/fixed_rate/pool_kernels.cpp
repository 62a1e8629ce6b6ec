#include "src/backend/cpu/targets.h"
#include "src/codec/fixed_rate/lfc_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/codec/fixed_rate/pool_kernels.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "src/codec/fixed_rate/tile-inl.h"
#include "src/codec/stage/block_average-inl.h"
#include "src/codec/stage/upsample-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
bool pool_average(const void* data, const BlockTensor& t, int64_t first, int64_t last, uint16_t* averages) {
  return with_float_type(t.dtype, [&](auto zero) {
    const auto* values = static_cast<const decltype(zero)*>(data);
    const auto no_ranges = [](int64_t, float, float) {};
    return average_slabs<false>(values, values + t.numel, t.grid, t.blocks, first, last, averages, no_ranges);
  });
}

void pool_upsample(const uint16_t* averages, const BlockTensor& t, int64_t first, int64_t last, void* out,
                   bool stream) {
  with_float_type(t.dtype, [&](auto zero) {
    auto* values = static_cast<decltype(zero)*>(out);
    HWY_ALIGN float predicted[kGroup + kVectorSlack];
    BlockCursor cursor(t.grid, t.blocks, first * kGroup);
    for (int64_t group = first; group < last; ++group) {
      const int64_t count = HWY_MIN(kGroup, t.numel - group * kGroup);
      predict(averages, t.grid, t.blocks, cursor, count, predicted);
      store_tile(predicted, count, values + group * kGroup, stream);
    }
  });
  if (stream) hwy::FlushStream();
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cinch::codec {
HWY_EXPORT(pool_average);
HWY_EXPORT(pool_upsample);

bool pool_slabs(const void* data, const BlockTensor& tensor, int64_t first, int64_t last, uint16_t* averages) {
  return HWY_DYNAMIC_DISPATCH(pool_average)(data, tensor, first, last, averages);
}

void unpool_groups(const uint16_t* averages, const BlockTensor& tensor, int64_t first, int64_t last, void* out,
                   bool stream) {
  HWY_DYNAMIC_DISPATCH(pool_upsample)(averages, tensor, first, last, out, stream);
}

}  // namespace cinch::codec
#endif
