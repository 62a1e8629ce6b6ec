#include "src/codec/lossless/int_kernels.h"

#include <algorithm>
#include <type_traits>

#include "src/codec/stage/bitpack.h"

namespace cinch::codec {
namespace {

template <class F>
auto with_ints(DType dtype, F f) {
  switch (dtype) {
    case DType::kUInt8:
      return f(uint8_t{});
    case DType::kInt8:
      return f(int8_t{});
    case DType::kInt16:
      return f(int16_t{});
    case DType::kInt32:
      return f(int32_t{});
    default:
      return f(int64_t{});
  }
}

}  // namespace

IntRange range_of_ints(const void* in, int64_t numel, DType dtype) noexcept {
  if (numel == 0) return {};
  return with_ints(dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* p = static_cast<const T*>(in);
    T low = p[0], high = p[0];
    for (int64_t i = 1; i < numel; ++i) {
      low = std::min(low, p[i]);
      high = std::max(high, p[i]);
    }
    return IntRange{static_cast<int64_t>(low), static_cast<int64_t>(high), false};
  });
}

void narrow(const void* in, int64_t numel, DType dtype, int64_t base, int width, uint64_t* words) noexcept {
  with_ints(dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* p = static_cast<const T*>(in);
    uint64_t block[kPackBlock];
    for (int64_t i = 0; i < numel; i += kPackBlock, words += width) {
      const int64_t count = std::min(kPackBlock, numel - i);
      // Unsigned: the difference of two int64 may not fit an int64.
      for (int64_t k = 0; k < count; ++k)
        block[k] = static_cast<uint64_t>(static_cast<int64_t>(p[i + k])) - static_cast<uint64_t>(base);
      for (int64_t k = count; k < kPackBlock; ++k) block[k] = 0;
      pack_block(block, width, words);
    }
  });
}

void widen(const uint64_t* words, int64_t numel, DType dtype, int64_t base, int width, void* out) noexcept {
  with_ints(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* p = static_cast<T*>(out);
    uint64_t block[kPackBlock];
    for (int64_t i = 0; i < numel; i += kPackBlock, words += width) {
      unpack_block(words, width, block);
      const int64_t count = std::min(kPackBlock, numel - i);
      for (int64_t k = 0; k < count; ++k) p[i + k] = static_cast<T>(block[k] + static_cast<uint64_t>(base));
    }
  });
}

bool to_offsets(const void* in, int64_t first, int64_t numel, DType dtype, const PoolGeometry& pool,
                const PoolTable& table, int width, uint64_t* words) noexcept {
  const auto run = [&](auto zero, auto plain) {
    using T = decltype(zero);
    const T* p = static_cast<const T*>(in);
    uint64_t block[kPackBlock];
    PoolWalk walk(pool, first);
    for (int64_t i = 0; i < numel; i += kPackBlock) {
      const int64_t count = std::min(kPackBlock, numel - i);
      uint64_t bad = 0;
      for (int64_t k = 0; k < count;) {
        const PoolRun r = walk.next(count - k);
        auto base = static_cast<uint64_t>(r.base);
        for (const int64_t end = k + r.length; k < end; ++k, base += static_cast<uint64_t>(r.step)) {
          // Unsigned: wraps for wild values, which no window reproduces.
          const auto distance = static_cast<int64_t>(static_cast<uint64_t>(static_cast<int64_t>(p[i + k])) - base);
          block[k] = table.code<decltype(plain)::value>(distance);
          bad |= block[k];
        }
      }
      if (bad >> 63 != 0) return false;
      if (words == nullptr) continue;
      for (int64_t k = count; k < kPackBlock; ++k) block[k] = 0;
      pack_block(block, width, words);
      words += width;
    }
    return true;
  };
  return with_ints(
      dtype, [&](auto zero) { return table.plain() ? run(zero, std::true_type()) : run(zero, std::false_type()); });
}

bool from_offsets(const uint64_t* words, int64_t first, int64_t numel, DType dtype, const PoolGeometry& pool,
                  const PoolTable& table, int width, void* out) noexcept {
  return with_ints(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* p = static_cast<T*>(out);
    uint64_t block[kPackBlock];
    PoolWalk walk(pool, first);
    const auto cells = static_cast<uint64_t>(table.cells());
    for (int64_t i = 0; i < numel; i += kPackBlock, words += width) {
      unpack_block(words, width, block);
      const int64_t count = std::min(kPackBlock, numel - i);
      for (int64_t k = 0; k < count;) {
        const PoolRun r = walk.next(count - k);
        int64_t base = r.base;
        for (const int64_t end = k + r.length; k < end; ++k, base += r.step) {
          if (block[k] >= cells) return false;
          p[i + k] = static_cast<T>(base + table.distance(static_cast<int64_t>(block[k])));
        }
      }
    }
    return true;
  });
}

}  // namespace cinch::codec
