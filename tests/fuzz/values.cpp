#include "tests/fuzz/values.h"

#include <array>
#include <cmath>
#include <limits>

#include "src/core/float16.h"
#include "src/core/mix.h"

namespace cinch::fuzz {
namespace {

Grid take_grid(Input& input, GridKind kind, int64_t& numel) {
  Grid g;
  if (kind == kAnyGrid) {
    g.outer = input.take<int64_t>();
    for (int64_t& side : g.sides) side = input.take<int64_t>();
    g.inner = input.take<int64_t>();
    g.channels = input.take<int64_t>();
    return g;
  }
  for (int64_t& side : g.sides) side = 1 + input.take<uint8_t>() % 67;
  g.inner = 1 + input.take<uint8_t>() % 67;
  g.channels = 1 + input.take<uint8_t>() % 35;
  g.outer = g.channels * (input.take<uint8_t>() % 9);
  const int64_t slab = g.sides[0] * g.sides[1] * g.sides[2] * g.inner;
  g.outer = std::min(g.outer, kMostValues / slab / g.channels * g.channels);
  numel = g.outer * slab;
  return g;
}

PoolGeometry take_pool(Input& input, PoolKind kind, int64_t& numel) {
  PoolGeometry p;
  const bool any = kind == kAnyPool;
  const auto number = [&](int64_t least, int64_t most) {
    return any ? input.take<int64_t>() : least + input.take<uint8_t>() % (most - least + 1);
  };
  p.channels_last = (input.take<uint8_t>() & 1) != 0;
  p.channels = number(1, 9), p.planes = number(0, 8);
  p.out_h = number(1, 40), p.out_w = number(1, 40), p.in_h = number(1, 90), p.in_w = number(1, 90);
  p.kernel_h = number(1, 36), p.kernel_w = number(1, 36), p.stride_h = number(1, 5), p.stride_w = number(1, 5);
  p.pad_h = number(0, 8), p.pad_w = number(0, 8), p.dilation_h = number(1, 4), p.dilation_w = number(1, 4);
  if (any) return p;
  p.planes *= p.channels;
  numel = p.planes * p.out_h * p.out_w;
  return p;
}

void put_float(double value, DType dtype, std::byte* to) {
  const auto single = static_cast<float>(value);
  const uint16_t half = dtype == DType::kBFloat16 ? float_to_bf16(single) : float_to_fp16(single);
  if (dtype == DType::kFloat64) std::memcpy(to, &value, sizeof value);
  if (dtype == DType::kFloat32) std::memcpy(to, &single, sizeof single);
  if (dtype == DType::kBFloat16 || dtype == DType::kFloat16) std::memcpy(to, &half, sizeof half);
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::array<double, 32> kSpecial{
    0.0,     -0.0,       kInfinity, -kInfinity,     NAN,     1.0,      -1.0,    0.5,   2.0,   3.0,    1e-3,
    0x1p-24, 0x1p-126,   -0x1p-127, 0x1p-149,       65504.0, -65504.0, 65520.0, 448.0, 464.0, 57344., 61440.,
    0x1p117, 0x1.fep117, 0x1p118,   0x1.fffffep127, 0x1p100, -0x1p100, 0x1p-99, 1e-30, 1e30,  -7.25};

}  // namespace

SideInfo take_side(Input& input, const Shape& shape, int64_t& numel) {
  SideInfo side;
  const auto last = static_cast<uint8_t>(PredicateKind::kJointAbsEqual);
  side.predicate = {static_cast<PredicateKind>(shape.predicate / 2 % (last + 1)), shape.lo, shape.hi,
                    (shape.predicate & 1) != 0};
  if (const auto kind = static_cast<GridKind>(shape.grid % kGridKinds); kind != kNoGrid)
    side.grid = take_grid(input, kind, numel);
  if (const auto kind = static_cast<PoolKind>(shape.pool % kPoolKinds); kind != kNoPool)
    side.pool = take_pool(input, kind, numel);
  return side;
}

// Small numbers: one byte each, times one power of two. Noisy: the same, each off by a noise of its own, so that a few
// bytes make a tensor of many different values.
void fill_values(const Input& input, const Shape& shape, DType dtype, int64_t numel, const Guarded& to) {
  const int64_t width = dtype_bytes(dtype);
  const auto kind = static_cast<ValueKind>(shape.values % kValueKinds);
  const std::span<const std::byte> bytes = input.rest();
  if (bytes.empty()) return;
  const auto byte_at = [&](int64_t i) {
    return std::to_integer<uint8_t>(bytes[static_cast<size_t>(i) % bytes.size()]);
  };
  if (kind == kBits || dtype == DType::kBool) {
    for (int64_t i = 0; i < numel * width; ++i) to.data()[i] = std::byte{byte_at(i)};
    return;
  }
  const int exponent = static_cast<int>(shape.seed % 256) - 133;
  for (int64_t i = 0; i < numel; ++i) {
    const auto number = static_cast<int8_t>(byte_at(i));
    const uint64_t noise = mix64(shape.seed ^ static_cast<uint64_t>(i) << 32);
    if (is_integer(dtype)) {
      const int64_t value =
          kind == kSpecials ? static_cast<int64_t>(noise) : number + (kind == kNoisy ? noise % 64 : 0);
      std::memcpy(to.data() + i * width, &value, static_cast<size_t>(width));  // little endian
      continue;
    }
    double value = std::ldexp(static_cast<double>(number), exponent);
    if (kind == kNoisy && number != 0)
      value += std::ldexp(static_cast<double>(static_cast<int16_t>(noise)), exponent - 12);
    if (kind == kSpecials) value = kSpecial[static_cast<uint8_t>(number) % kSpecial.size()];
    put_float(value, dtype, to.data() + i * width);
  }
}

}  // namespace cinch::fuzz
