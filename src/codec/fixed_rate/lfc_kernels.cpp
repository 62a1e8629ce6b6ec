#include "src/codec/fixed_rate/lfc_kernels.h"

#include <limits>

#include "src/backend/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/codec/fixed_rate/lfc_kernels.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "src/codec/fixed_rate/pack_rows-inl.h"
#include "src/codec/fixed_rate/tile-inl.h"
#include "src/codec/stage/block_average-inl.h"
#include "src/codec/stage/upsample-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Sides of maps that follow each other.
struct MapSides {
  hn::Vec<RowTag> minimum, step;
};
HWY_INLINE MapSides load_map_sides(RowTag d, const Sides* sides, int64_t count) {
  const auto words = load_words(d, sides, count);
  const auto high = hn::And(words, hn::Set(hn::RebindToUnsigned<RowTag>(), 0xffff0000u));
  return {hn::BitCast(d, hn::ShiftLeft<16>(words)), hn::BitCast(d, high)};
}

// Residuals of `count` values of one map in units of pack_rows, from values and predictions.
template <int B, class T>
HWY_INLINE void scale_run(const T* x, const T* end, const float* predicted, int64_t count, Sides sides, float* scaled) {
  const RowTag d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  const auto minimum = hn::Set(d, bf16_to_float(sides.minimum)), scale = hn::Set(d, code_scale<B>(sides));
  for (int64_t j = 0; j < count; j += n) {
    const auto residual = hn::Sub(load_within(d, x + j, end), hn::LoadU(d, predicted + j));
    hn::StoreU(hn::Mul(hn::Sub(residual, minimum), scale), d, scaled + j);
  }
}

// What turns residuals of maps that follow each other into units of pack_rows. Divisions cost more than all the rest,
// and the next position of a slab wants the same again.
template <int B>
class MapScales {
 public:
  // Of `count` maps of a slab from inner index `i` on.
  HWY_INLINE void use(const Sides* sides, int64_t inner, int64_t slab, int64_t i, int64_t count) {
    first_ = inner <= kMost ? 0 : i;
    if (inner <= kMost && slab == slab_) return;
    slab_ = slab;
    const RowTag d;
    const auto n = static_cast<int64_t>(hn::Lanes(d));
    const auto zero = hn::Zero(d), one = hn::Set(d, static_cast<float>(1u << (16 - B)));
    const int64_t some = inner <= kMost ? inner : HWY_MIN(count, kMost);
    for (int64_t j = 0; j < some; j += n) {
      const auto [minimum, step] = load_map_sides(d, sides + slab * inner + first_ + j, some - j);
      hn::StoreU(minimum, d, minima_ + j);
      hn::StoreU(hn::IfThenElseZero(hn::Gt(step, zero), hn::Div(one, step)), d, scales_ + j);
    }
  }
  HWY_INLINE hn::Vec<RowTag> scaled(hn::Vec<RowTag> residual, int64_t i) const {
    const RowTag d;
    return hn::Mul(hn::Sub(residual, hn::LoadU(d, minima_ + i - first_)), hn::LoadU(d, scales_ + i - first_));
  }

  static constexpr int64_t kMost = 1024;  // maps; a run is no longer either

 private:
  HWY_ALIGN float minima_[kMost + kVectorSlack];
  HWY_ALIGN float scales_[kMost + kVectorSlack];
  int64_t slab_ = -1, first_ = 0;
};

// Groups go through the stages together: a stage reads what the one before has stored with other bounds, and would wait
// for each of those stores if it followed at once.
constexpr int64_t kTogether = 4;
constexpr int64_t kTogetherValues = kTogether * kGroup;
static_assert(kTogetherValues <= 1024);  // MapScales
constexpr int64_t kBatchValues = 4096;   // of small slabs that are averaged at once

// Where the coding of a range of slabs is.
template <int B>
struct CodePlace {
  CodePlace(const BlockTensor& t, int64_t element) : blocks(t.grid, t.blocks, element), maps(t.grid, element) {}
  BlockCursor blocks;
  MapCursor maps;
  MapScales<B> scales;
};

template <int B, class T>
void code_groups(const T* data, const BlockTensor& t, int64_t group, int64_t groups, CodePlace<B>& place, uint64_t key,
                 const LfcSections& to) {
  const RowTag d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN float scaled[kTogetherValues + kVectorSlack];
  const T *from = data + group * kGroup, *end = data + t.numel;
  const int64_t count = HWY_MIN(groups * kGroup, t.numel - group * kGroup);
  if (t.grid.inner == 1) {
    HWY_ALIGN float predicted[kTogetherValues + kVectorSlack];
    predict(to.averages, t.grid, t.blocks, place.blocks, count, predicted);
    place.maps.runs(count, [&](int64_t offset, int64_t length, int64_t slab, int64_t) HWY_ATTR {
      scale_run<B>(from + offset, end, predicted + offset, length, to.sides[slab], scaled + offset);
    });
  } else {
    place.maps.runs(count, [&](int64_t offset, int64_t length, int64_t slab, int64_t i) HWY_ATTR {
      place.scales.use(to.sides, t.grid.inner, slab, i, length);
      const auto* averages = reinterpret_cast<const hwy::bfloat16_t*>(to.averages + place.blocks.average());
      place.blocks.advance(length);
      for (int64_t j = 0; j < length; j += n) {
        const auto predicted = load_up_to(d, averages + j, length - j);
        const auto residual = hn::Sub(load_within(d, from + offset + j, end), predicted);
        hn::StoreU(place.scales.scaled(residual, i + j), d, scaled + offset + j);
      }
    });
  }
  std::fill(scaled + count, scaled + groups * kGroup, 0.0f);
  for (int64_t k = 0; k < groups; ++k)
    pack_tile<B, false>(scaled + k * kGroup, group_key(key, group + k), to.codes + (group + k) * code_bytes(B));
}

template <int B, class T>
bool encode_blocks(const T* data, const BlockTensor& t, uint64_t key, int64_t first, int64_t last,
                   const LfcSections& to) {
  const Grid& g = t.grid;
  const int64_t values = slab_values(g);
  bool fine = true;
  const auto put_sides = [&](int64_t map, float min, float max) {
    to.sides[map] = make_sides(min, max, (1 << B) - 1);
    fine &= min > -kLargestCoded && max < kLargestCoded;
  };
  int64_t group = first * values / kGroup;
  CodePlace<B> place(t, group * kGroup);
  // Values are coded while they are still in the cache.
  const int64_t batch = HWY_MAX(int64_t{1}, kBatchValues / values);
  for (int64_t s = first; s < last; s += batch) {
    const int64_t known = HWY_MIN(s + batch, last);
    if (!average_slabs<true>(data, data + t.numel, g, t.blocks, s, known, to.averages, put_sides) || !fine)
      return false;
    const int64_t whole = known == last ? ceil_div(known * values, kGroup) : known * values / kGroup;
    while (group < whole) {
      const int64_t groups = HWY_MIN(kTogether, whole - group);
      code_groups<B>(data, t, group, groups, place, key, to);
      group += groups;
    }
  }
  return true;
}

template <int B, class T>
void decode_blocks(const Sides* sides, const uint16_t* averages, const std::byte* codes, const BlockTensor& t,
                   int64_t first, int64_t last, T* out, bool stream) {
  const RowTag d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN float code[kGroup + kVectorSlack], predicted[kGroup + kVectorSlack], value[kGroup + kVectorSlack];
  BlockCursor cursor(t.grid, t.blocks, first * kGroup);
  MapCursor maps(t.grid, first * kGroup);
  for (int64_t group = first; group < last; ++group) {
    const int64_t count = HWY_MIN(kGroup, t.numel - group * kGroup);
    predict(averages, t.grid, t.blocks, cursor, count, predicted);
    unpack_tile<B>(codes + group * code_bytes(B), code);
    maps.runs(count, [&](int64_t offset, int64_t length, int64_t slab, int64_t i) HWY_ATTR {
      const Sides* side = sides + slab * t.grid.inner + i;
      const auto put_value = [&](int64_t j, auto minimum, auto step) HWY_ATTR {
        const auto residual = hn::Add(minimum, hn::Mul(hn::LoadU(d, code + offset + j), step));
        hn::StoreU(hn::Add(hn::LoadU(d, predicted + offset + j), residual), d, value + offset + j);
      };
      if (t.grid.inner == 1) {
        const auto minimum = hn::Set(d, bf16_to_float(side->minimum)), step = hn::Set(d, bf16_to_float(side->step));
        for (int64_t j = 0; j < length; j += n) put_value(j, minimum, step);
      } else {
        for (int64_t j = 0; j < length; j += n) {
          const auto [minimum, step] = load_map_sides(d, side + j, length - j);
          put_value(j, minimum, step);
        }
      }
    });
    store_tile(value, count, out + group * kGroup, stream);
  }
  if (stream) hwy::FlushStream();
}

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

bool lfc_encode(const void* data, const BlockTensor& t, int bits, uint64_t key, int64_t first, int64_t last,
                const LfcSections& to) {
  return with_float_type(t.dtype, [&](auto zero) {
    return with_bits(bits, [&](auto b) {
      return encode_blocks<decltype(b)::value>(static_cast<const decltype(zero)*>(data), t, key, first, last, to);
    });
  });
}

void lfc_decode(const Sides* sides, const uint16_t* averages, const std::byte* codes, const BlockTensor& t, int bits,
                int64_t first, int64_t last, void* out, bool stream) {
  with_float_type(t.dtype, [&](auto zero) {
    with_bits(bits, [&](auto b) {
      decode_blocks<decltype(b)::value>(sides, averages, codes, t, first, last, static_cast<decltype(zero)*>(out),
                                        stream);
    });
  });
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cinch::codec {
HWY_EXPORT(pool_average);
HWY_EXPORT(pool_upsample);
HWY_EXPORT(lfc_encode);
HWY_EXPORT(lfc_decode);

bool pool_slabs(const void* data, const BlockTensor& tensor, int64_t first, int64_t last, uint16_t* averages) {
  return HWY_DYNAMIC_DISPATCH(pool_average)(data, tensor, first, last, averages);
}

void unpool_groups(const uint16_t* averages, const BlockTensor& tensor, int64_t first, int64_t last, void* out,
                   bool stream) {
  HWY_DYNAMIC_DISPATCH(pool_upsample)(averages, tensor, first, last, out, stream);
}

bool encode_slabs(const void* data, const BlockTensor& tensor, int bits, uint64_t key, int64_t first, int64_t last,
                  const LfcSections& to) {
  return HWY_DYNAMIC_DISPATCH(lfc_encode)(data, tensor, bits, key, first, last, to);
}

void decode_slabs(const Sides* sides, const uint16_t* averages, const std::byte* codes, const BlockTensor& tensor,
                  int bits, int64_t first_group, int64_t last_group, void* out, bool stream) {
  HWY_DYNAMIC_DISPATCH(lfc_decode)(sides, averages, codes, tensor, bits, first_group, last_group, out, stream);
}

}  // namespace cinch::codec
#endif
