#include "src/codec/fixed_rate/fixed_point_kernels.h"

#include "src/backend/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/codec/fixed_rate/fixed_point_kernels.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "src/codec/fixed_rate/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cinch::codec::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A side's parts as floats; a channel's alone, or those of channels that follow each other.
struct ChannelVectors {
  hn::Vec<RowTag> step, inverse, shift;
};
HWY_INLINE ChannelVectors one_channel_of(RowTag d, ChannelSides s) {
  const float step = bf16_to_float(s.step);
  return {hn::Set(d, step), hn::Set(d, 1.0f / step), hn::Set(d, static_cast<float>(s.shift))};
}
HWY_INLINE ChannelVectors load_channels(RowTag d, const ChannelSides* s, int64_t count) {
  const auto words = load_words(d, s, count);
  const auto step = hn::BitCast(d, hn::ShiftLeft<16>(words));
  return {step, hn::Div(hn::Set(d, 1.0f), step),
          hn::ConvertTo(d, hn::BitCast(hn::RebindToSigned<RowTag>(), hn::ShiftRight<16>(words)))};
}

// Calls body(offset, sides) for each vector of a run; `sides` are one channel's, or begin with the run's first.
template <class Body>
HWY_INLINE void for_vectors(const ChannelSides* sides, bool one_channel, int64_t length, const Body& body) {
  const RowTag d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  if (one_channel) {
    const ChannelVectors s = one_channel_of(d, *sides);
    for (int64_t j = 0; j < length; j += n) body(j, s);
  } else {
    for (int64_t j = 0; j < length; j += n) body(j, load_channels(d, sides + j, length - j));
  }
}

HWY_INLINE const ChannelSides* sides_at(const ChannelSides* sides, const Grid& g, int64_t slab, int64_t i) {
  return sides + slab % g.channels * g.inner + i;
}

template <int B, class T>
bool encode_typed(const T* data, const ChannelTensor& t, int64_t first, int64_t last, const ChannelSides* sides,
                  std::byte* codes) {
  const RowTag d;
  const hn::RebindToSigned<RowTag> di;
  const T* end = data + t.numel;
  constexpr float kLevels = 1 << B, kUnit = 1u << (16 - B);  // of pack_rows
  HWY_ALIGN float scaled[kGroup + kVectorSlack];
  MapCursor maps(t.grid, first * kGroup);
  // Of values that are looked at, neighbours of a run included. As integers, magnitudes have the order of their values,
  // and NaN lies behind infinity.
  auto largest = hn::Zero(di);
  const auto levels = hn::Set(d, kLevels), zero = hn::Zero(d), one = hn::Set(d, 1.0f), unit = hn::Set(d, kUnit);
  for (int64_t group = first; group < last; ++group) {
    const int64_t count = HWY_MIN(kGroup, t.numel - group * kGroup);
    maps.runs(count, [&](int64_t offset, int64_t length, int64_t slab, int64_t i) HWY_ATTR {
      const T* from = data + group * kGroup + offset;
      for_vectors(
          sides_at(sides, t.grid, slab, i), t.grid.inner == 1, length, [&](int64_t j, ChannelVectors s) HWY_ATTR {
            const auto x = load_within(d, from + j, end);
            const auto bits = hn::BitCast(di, x);
            largest = hn::Max(largest, hn::And(bits, hn::Set(di, 0x7fffffff)));
            const auto cells = hn::Max(hn::Min(hn::Mul(x, s.inverse), levels), hn::Neg(levels));
            const auto floor = hn::Floor(cells);
            // The sign is that of the bits: a product may underflow, and denormals may count as zero.
            const auto positive = hn::RebindMask(d, hn::Gt(bits, hn::Zero(di)));
            const auto signed_cell = hn::IfThenElse(positive, hn::Max(floor, zero), hn::Min(floor, hn::Neg(one)));
            const auto code = hn::Max(hn::Min(hn::Add(signed_cell, s.shift), hn::Sub(levels, one)), zero);
            hn::StoreU(hn::Mul(code, unit), d, scaled + offset + j);
          });
    });
    std::fill(scaled + count, scaled + kGroup, 0.0f);
    pack_tile<B, true>(scaled, 0, codes + group * code_bytes(B));
  }
  return hn::AllTrue(di, hn::Lt(largest, hn::Set(di, std::bit_cast<int32_t>(kLargestCoded))));
}

template <int B, class T>
void decode_typed(const ChannelSides* sides, const std::byte* codes, const ChannelTensor& t, int64_t first,
                  int64_t last, T* out, bool stream) {
  const RowTag d;
  HWY_ALIGN float code[kGroup + kVectorSlack], value[kGroup + kVectorSlack];
  MapCursor maps(t.grid, first * kGroup);
  const auto half = hn::Set(d, 0.5f);
  for (int64_t group = first; group < last; ++group) {
    const int64_t count = HWY_MIN(kGroup, t.numel - group * kGroup);
    unpack_tile<B>(codes + group * code_bytes(B), code);
    maps.runs(count, [&](int64_t offset, int64_t length, int64_t slab, int64_t i) HWY_ATTR {
      for_vectors(sides_at(sides, t.grid, slab, i), t.grid.inner == 1, length,
                  [&](int64_t j, ChannelVectors s) HWY_ATTR {
                    const auto cell = hn::Add(hn::Sub(hn::LoadU(d, code + offset + j), s.shift), half);
                    hn::StoreU(hn::Mul(cell, s.step), d, value + offset + j);
                  });
    });
    store_tile(value, count, out + group * kGroup, stream);
  }
  if (stream) hwy::FlushStream();
}

bool channels_encode(const void* data, const ChannelTensor& t, int64_t first, int64_t last, const ChannelSides* sides,
                     std::byte* codes) {
  return with_float_type(t.dtype, [&](auto zero) {
    const auto* values = static_cast<const decltype(zero)*>(data);
    return t.bits == 4 ? encode_typed<4>(values, t, first, last, sides, codes)
                       : encode_typed<8>(values, t, first, last, sides, codes);
  });
}

void channels_decode(const ChannelSides* sides, const std::byte* codes, const ChannelTensor& t, int64_t first,
                     int64_t last, void* out, bool stream) {
  with_float_type(t.dtype, [&](auto zero) {
    auto* values = static_cast<decltype(zero)*>(out);
    t.bits == 4 ? decode_typed<4>(sides, codes, t, first, last, values, stream)
                : decode_typed<8>(sides, codes, t, first, last, values, stream);
  });
}

}  // namespace cinch::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cinch::codec {
HWY_EXPORT(channels_encode);
HWY_EXPORT(channels_decode);

bool encode_channels(const void* data, const ChannelTensor& tensor, int64_t first, int64_t last,
                     const ChannelSides* sides, std::byte* codes) {
  return HWY_DYNAMIC_DISPATCH(channels_encode)(data, tensor, first, last, sides, codes);
}

void decode_channels(const ChannelSides* sides, const std::byte* codes, const ChannelTensor& tensor, int64_t first,
                     int64_t last, void* out, bool stream) {
  HWY_DYNAMIC_DISPATCH(channels_decode)(sides, codes, tensor, first, last, out, stream);
}

}  // namespace cinch::codec
#endif
