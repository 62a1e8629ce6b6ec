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

constexpr int64_t kMostMaps = 1024;  // of a slab whose positions are coded together; a run is no longer either

// What turns residuals of maps that follow each other into units of pack_rows. Divisions cost more than all the rest,
// and the next position of a slab wants the same again.
template <int B>
class MapScales {
 public:
  // Of `count` maps of a slab from inner index `i` on.
  HWY_INLINE void use(const Sides* sides, int64_t inner, int64_t slab, int64_t i, int64_t count) {
    first_ = inner <= kMostMaps ? 0 : i;
    if (inner <= kMostMaps && slab == slab_) return;
    slab_ = slab;
    const RowTag d;
    const auto n = static_cast<int64_t>(hn::Lanes(d));
    const auto zero = hn::Zero(d), one = hn::Set(d, static_cast<float>(1u << (16 - B)));
    const int64_t some = inner <= kMostMaps ? inner : HWY_MIN(count, kMostMaps);
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

  // Of whole positions, `inner` values each, that share their averages: what they share is read once.
  template <class T>
  HWY_INLINE void scale_positions(const T* HWY_RESTRICT x, const hwy::bfloat16_t* averages, int64_t inner,
                                  int64_t positions, float* HWY_RESTRICT to) const {
    const RowTag d;
    for (int64_t j = 0; j < inner; j += static_cast<int64_t>(hn::Lanes(d))) {
      const auto predicted = load_row(d, averages + j), minimum = hn::LoadU(d, minima_ + j),
                 scale = hn::LoadU(d, scales_ + j);
      for (int64_t e = j; e < positions * inner; e += inner) {
        const auto residual = hn::Sub(load_row(d, x + e), predicted);
        hn::StoreU(hn::Mul(hn::Sub(residual, minimum), scale), d, to + e);
      }
    }
  }

 private:
  HWY_ALIGN float minima_[kMostMaps + kVectorSlack];
  HWY_ALIGN float scales_[kMostMaps + kVectorSlack];
  int64_t slab_ = -1, first_ = 0;
};

// The next `count` values of slabs of several maps (inner > 1), in parts that share their averages: whole(offset,
// positions) for whole positions, where their values are whole vectors and no more than a run may hold, and
// run(offset, length, slab, inner index) for the rest. What is called moves `blocks`.
template <class Whole, class Run>
HWY_INLINE void for_positions(const Grid& g, BlockCursor& blocks, MapCursor& maps, int64_t count, const Whole& whole,
                              const Run& run) {
  const auto n = static_cast<int64_t>(hn::Lanes(RowTag()));
  const bool whole_vectors = g.inner <= kMostMaps && g.inner % n == 0;
  for (int64_t offset = 0; offset < count;) {
    const int64_t positions = whole_vectors ? HWY_MIN(blocks.positions(), (count - offset) / g.inner) : 0;
    if (positions > 0) {
      whole(offset, positions);
      maps.advance_positions(positions);
      offset += positions * g.inner;
      continue;
    }
    const int64_t length = HWY_MIN(blocks.run(), count - offset);
    maps.runs(length, [&](int64_t, int64_t, int64_t slab, int64_t i) HWY_ATTR { run(offset, length, slab, i); });
    offset += length;
  }
}

// Groups go through the stages together: a stage reads what the one before has stored with other bounds, and would wait
// for each of those stores if it followed at once.
constexpr int64_t kTogether = 4;
constexpr int64_t kTogetherValues = kTogether * kGroup;
static_assert(kTogetherValues <= kMostMaps);
// Room of a stage. Stages nearly 4096 bytes apart would wait for each other: loads are compared with stores before them
// by their low 12 bits.
constexpr int64_t kStageRoom = kTogetherValues + kGroup + kVectorSlack;
constexpr int64_t kBatchValues = 4096;  // of small slabs that are averaged at once

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
  HWY_ALIGN float scaled[kStageRoom];
  const T *from = data + group * kGroup, *end = data + t.numel;
  const int64_t count = HWY_MIN(groups * kGroup, t.numel - group * kGroup);
  if (t.grid.inner == 1) {
    HWY_ALIGN float predicted[kStageRoom];
    predict(to.averages, t.grid, t.blocks, place.blocks, count, predicted);
    place.maps.runs(count, [&](int64_t offset, int64_t length, int64_t slab, int64_t) HWY_ATTR {
      scale_run<B>(from + offset, end, predicted + offset, length, to.sides[slab], scaled + offset);
    });
  } else {
    const auto averages_here = [&] {
      return reinterpret_cast<const hwy::bfloat16_t*>(to.averages + place.blocks.average());
    };
    const auto whole = [&](int64_t offset, int64_t positions) HWY_ATTR {
      place.scales.use(to.sides, t.grid.inner, place.maps.slab, 0, t.grid.inner);
      place.scales.scale_positions(from + offset, averages_here(), t.grid.inner, positions, scaled + offset);
      place.blocks.advance_positions(positions);
    };
    const auto run = [&](int64_t offset, int64_t length, int64_t slab, int64_t i) HWY_ATTR {
      place.scales.use(to.sides, t.grid.inner, slab, i, length);
      const auto* averages = averages_here();
      place.blocks.advance(length);
      for (int64_t j = 0; j < length; j += n) {
        const auto predicted = load_up_to(d, averages + j, length - j);
        const auto residual = hn::Sub(load_within(d, from + offset + j, end), predicted);
        hn::StoreU(place.scales.scaled(residual, i + j), d, scaled + offset + j);
      }
    };
    for_positions(t.grid, place.blocks, place.maps, count, whole, run);
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
  const Grid& g = t.grid;
  HWY_ALIGN float code[kStageRoom], value[kStageRoom];
  const auto put_value = [&](int64_t e, auto predicted, auto minimum, auto step) HWY_ATTR {
    const auto residual = hn::Add(minimum, hn::Mul(hn::LoadU(d, code + e), step));
    hn::StoreU(hn::Add(predicted, residual), d, value + e);
  };
  BlockCursor blocks(g, t.blocks, first * kGroup);
  MapCursor maps(g, first * kGroup);
  // Together they have more whole positions; of a map they gain nothing.
  const int64_t together = g.inner == 1 ? 1 : kTogether;
  for (int64_t group = first; group < last; group += together) {
    const int64_t groups = HWY_MIN(together, last - group);
    const int64_t count = HWY_MIN(groups * kGroup, t.numel - group * kGroup);
    for (int64_t k = 0; k < groups; ++k) unpack_tile<B>(codes + (group + k) * code_bytes(B), code + k * kGroup);
    if (g.inner == 1) {
      HWY_ALIGN float predicted[kStageRoom];
      predict(averages, g, t.blocks, blocks, count, predicted);
      maps.runs(count, [&](int64_t offset, int64_t length, int64_t slab, int64_t) HWY_ATTR {
        const auto minimum = hn::Set(d, bf16_to_float(sides[slab].minimum)),
                   step = hn::Set(d, bf16_to_float(sides[slab].step));
        for (int64_t e = offset; e < offset + length; e += n) put_value(e, hn::LoadU(d, predicted + e), minimum, step);
      });
    } else {
      const auto averages_here = [&] { return reinterpret_cast<const hwy::bfloat16_t*>(averages + blocks.average()); };
      const auto whole = [&](int64_t offset, int64_t positions) HWY_ATTR {
        for (int64_t j = 0; j < g.inner; j += n) {
          const auto predicted = load_row(d, averages_here() + j);
          const auto [minimum, step] = load_map_sides(d, sides + maps.slab * g.inner + j, n);
          for (int64_t e = offset + j; e < offset + positions * g.inner; e += g.inner)
            put_value(e, predicted, minimum, step);
        }
        blocks.advance_positions(positions);
      };
      const auto run = [&](int64_t offset, int64_t length, int64_t slab, int64_t i) HWY_ATTR {
        for (int64_t j = 0; j < length; j += n) {
          const auto [minimum, step] = load_map_sides(d, sides + slab * g.inner + i + j, length - j);
          put_value(offset + j, load_up_to(d, averages_here() + j, length - j), minimum, step);
        }
        blocks.advance(length);
      };
      for_positions(g, blocks, maps, count, whole, run);
    }
    for (int64_t k = 0; k < groups; ++k)
      store_tile(value + k * kGroup, HWY_MIN(kGroup, count - k * kGroup), out + (group + k) * kGroup, stream);
  }
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
HWY_EXPORT(lfc_encode);
HWY_EXPORT(lfc_decode);

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
