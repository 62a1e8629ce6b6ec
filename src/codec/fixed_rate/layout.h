// Where the bytes of a group_quant payload are. group_quant.md draws it.
#pragma once

#include <cstdint>
#include <type_traits>

#include "src/codec/stage/header.h"
#include "src/codec/stage/sides.h"
#include "src/core/checked.h"

namespace cinch::codec {

constexpr int64_t kGroup = 256;
constexpr int64_t kColumns = 16;  // element e of a group: row e / 16, column e % 16
constexpr uint32_t kGroupQuantMagic = make_magic('C', 'G', 'Q', '1');

constexpr int64_t group_count(int64_t numel) noexcept { return ceil_div(numel, kGroup); }
constexpr int64_t code_bytes(int bits) noexcept { return kGroup / 8 * bits; }  // per group
constexpr int64_t sides_offset() noexcept { return kHeaderBytes; }
constexpr int64_t codes_offset(int64_t groups) noexcept {
  return align64(kHeaderBytes + groups * int64_t{sizeof(Sides)});
}
constexpr int64_t group_quant_bytes(int64_t numel, int bits) noexcept {
  const int64_t groups = group_count(numel);
  return codes_offset(groups) + groups * code_bytes(bits);
}

// f(integral constant) for a number of bits.
template <class F>
decltype(auto) with_bits(int bits, F&& f) {
  switch (bits) {
    case 1:
      return f(std::integral_constant<int, 1>());
    case 2:
      return f(std::integral_constant<int, 2>());
    case 4:
      return f(std::integral_constant<int, 4>());
    default:
      return f(std::integral_constant<int, 8>());
  }
}

}  // namespace cinch::codec
