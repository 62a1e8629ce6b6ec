// Warps cast values to a narrower type and back: a lane moves 16 bytes of the wider side at a time, and what they
// become on the narrower one. The bytes are those of the CPU codec.
#pragma once

#include <bit>
#include <type_traits>

#include "cinch/dtype.h"
#include "src/backend/warp.h"
#include "src/codec/fixed_rate/narrow_type.h"
#include "src/codec/stage/pattern.h"
#include "src/core/checked.h"

namespace cinch::codec {

using backend::kLanes;

constexpr int kCastTile = 1024;
constexpr int64_t cast_tiles(int64_t numel) noexcept { return ceil_div(numel, kCastTile); }

// Values as they are.
struct Float32Type {
  using Stored = uint32_t;
};

// Bits of a float to a code: nearest even, finite values stop at the largest. In integers, but for the denormals of the
// type, which one addition rounds; NaN never meets the hardware's arithmetic, which would drop its sign.
template <class F>
CINCH_DEVICE_FN uint32_t narrow_bits(uint32_t bits) {
  const uint32_t magnitude = bits & 0x7fffffffu;
  const uint32_t finite = magnitude < F::kLargestFloat ? magnitude : F::kLargestFloat;
  const uint32_t odd = finite >> F::kShift & 1u;
  uint32_t code = ((finite + odd + ((1u << (F::kShift - 1)) - 1)) >> F::kShift) - (F::kRebias << F::kMantissa);
  if constexpr (F::kRebias > 0) {  // of bfloat16, denormals are the upper half of a float's
    const float units = std::bit_cast<float>(finite) + std::bit_cast<float>(F::kDenormalMagic);
    code = finite < F::kSmallestNormalFloat ? std::bit_cast<uint32_t>(units) - F::kDenormalMagic : code;
  }
  code = magnitude == 0x7f800000u ? (F::kInfinity ? F::kInfinityCode : F::kNan) : code;
  code = magnitude > 0x7f800000u ? F::kNan : code;
  return code | (bits >> (32 - 8 * static_cast<int>(sizeof(typename F::Stored))) & F::kSign);
}

// Exact.
template <class F>
CINCH_DEVICE_FN uint32_t widen_bits(uint32_t code) {
  const uint32_t magnitude = code & (F::kSign - 1);
  uint32_t bits = (magnitude << F::kShift) + (F::kRebias << 23);
  if constexpr (F::kRebias > 0) {
    const float unit = std::bit_cast<float>((F::kRebias + 1 - static_cast<uint32_t>(F::kMantissa)) << 23);
    const float denormal = static_cast<float>(magnitude) * unit;
    bits = magnitude < (1u << F::kMantissa) ? std::bit_cast<uint32_t>(denormal) : bits;
    const uint32_t mantissa = (magnitude & ((1u << F::kMantissa) - 1)) << F::kShift;
    bits = magnitude > F::kLargest ? 0x7f800000u | mantissa : bits;
  }
  return bits | (code & F::kSign) << (32 - 8 * static_cast<int>(sizeof(typename F::Stored)));
}

template <class From, class To>
CINCH_DEVICE_FN typename To::Stored cast_one(typename From::Stored value) {
  uint32_t bits = value;
  if constexpr (!std::is_same_v<From, Float32Type>) bits = widen_bits<From>(bits);
  if constexpr (!std::is_same_v<To, Float32Type>) bits = narrow_bits<To>(bits);
  return static_cast<typename To::Stored>(bits);
}

// From one type to another. `out` is 64-byte aligned; `in` need not be.
template <class From, class To>
struct CastJob {
  const typename From::Stored* in;
  int64_t numel;
  typename To::Stored* out;
};

// What a lane moves at once, and how often it does for a tile.
template <class From, class To>
struct CastLanes {
  using A = typename From::Stored;
  using B = typename To::Stored;
  static constexpr int kWider = static_cast<int>(sizeof(A) > sizeof(B) ? sizeof(A) : sizeof(B));
  static constexpr int kValues = static_cast<int>(sizeof(Chunk)) / kWider;
  static constexpr int kLoads = kCastTile / (kLanes * kValues);
  static constexpr int kAtOnce = 4;  // on their way together
  static_assert(kLoads % kAtOnce == 0);
  struct alignas(kValues * sizeof(A)) In {
    uint32_t words[kValues * sizeof(A) / 4];
  };
  struct alignas(kValues * sizeof(B)) Out {
    uint32_t words[kValues * sizeof(B) / 4];
  };
  static constexpr int first(int lane, int load) noexcept { return (load * kLanes + lane) * kValues; }
};

template <class From, class To, class W>
CINCH_DEVICE_FN void cast_tile(const W& w, const CastJob<From, To>& job, int64_t tile) {
  using Lanes = CastLanes<From, To>;
  using A = typename From::Stored;
  using B = typename To::Stored;
  constexpr int kBitsA = 8 * static_cast<int>(sizeof(A)), kBitsB = 8 * static_cast<int>(sizeof(B));
  const A* in = job.in + tile * kCastTile;
  B* out = job.out + tile * kCastTile;
  const int64_t rest = job.numel - tile * kCastTile;
  const int count = rest < kCastTile ? static_cast<int>(rest) : kCastTile;
  // One question for the tile: then no load waits for a branch.
  const bool whole = count == kCastTile && reinterpret_cast<uintptr_t>(in) % sizeof(typename Lanes::In) == 0;
  w.each([&](int lane) {
    if (!whole) {
      for (int e = lane; e < count; e += kLanes) out[e] = cast_one<From, To>(in[e]);
      return;
    }
    CINCH_UNROLL
    for (int k = 0; k < Lanes::kLoads; k += Lanes::kAtOnce) {
      typename Lanes::In from[Lanes::kAtOnce];
      CINCH_UNROLL
      for (int i = 0; i < Lanes::kAtOnce; ++i)
        from[i] = *reinterpret_cast<const typename Lanes::In*>(in + Lanes::first(lane, k + i));
      CINCH_UNROLL
      for (int i = 0; i < Lanes::kAtOnce; ++i) {
        typename Lanes::Out to{};
        CINCH_UNROLL
        for (int j = 0; j < Lanes::kValues; ++j) {
          const auto value = static_cast<A>(from[i].words[j * kBitsA / 32] >> (j * kBitsA % 32));
          to.words[j * kBitsB / 32] |= static_cast<uint32_t>(cast_one<From, To>(value)) << (j * kBitsB % 32);
        }
        *reinterpret_cast<typename Lanes::Out*>(out + Lanes::first(lane, k + i)) = to;
      }
    }
  });
}

// f(a type of values) for a dtype of is_codable_float, and f(a type) that cast goes to.
template <class F>
void with_value_type(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kFloat32:
      return f(Float32Type());
    case DType::kBFloat16:
      return f(BFloat16Type());
    default:
      return f(Float16Type());
  }
}
template <class F>
void with_narrow_type(Narrow type, F&& f) {
  switch (type) {
    case Narrow::kBFloat16:
      return f(BFloat16Type());
    case Narrow::kFloat16:
      return f(Float16Type());
    case Narrow::kE4M3:
      return f(E4M3Type());
    default:
      return f(E5M2Type());
  }
}
// f(type of values, narrower type) for the pairs that cast supports.
template <class F>
void with_cast_types(DType dtype, Narrow type, F&& f) {
  with_value_type(dtype, [&](auto value) {
    using Value = decltype(value);
    with_narrow_type(type, [&](auto narrow) {
      using Type = decltype(narrow);
      if constexpr (sizeof(typename Type::Stored) < sizeof(typename Value::Stored)) f(Value(), Type());
    });
  });
}

}  // namespace cinch::codec
