// Tensors beyond 2^31 elements: a period of two values over and over, which lossy codecs give back exactly, too.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "cinch/codec.h"

namespace cinch::testing {

constexpr int64_t kNumel = (int64_t{1} << 31) + 100'003;
constexpr int64_t kPeriod = 1'000'003;  // prime: an index that wraps round at a power of two meets another value

#if defined(__SANITIZE_THREAD__)
constexpr int64_t kShadow = 5;  // bytes of the thread sanitizer's for each byte, and the byte
#else
constexpr int64_t kShadow = 1;
#endif

// Unlike sysconf's figure this one counts the cache of files, which gives way.
inline int64_t available_bytes() {
  std::ifstream info("/proc/meminfo");
  for (std::string line; std::getline(info, line);)
    if (line.rfind("MemAvailable:", 0) == 0) return std::stoll(line.substr(13)) * 1024;
  return 0;
}

struct Free {
  void operator()(std::byte* p) const { std::free(p); }
};
using Bytes = std::unique_ptr<std::byte, Free>;

inline Bytes allocate(int64_t bytes) {
  return Bytes(static_cast<std::byte*>(std::aligned_alloc(64, static_cast<size_t>((bytes + 63) / 64 * 64))));
}

struct LargeRow {
  CodecSpec spec;
  DType dtype;
  uint32_t low, high;  // the two values, as bits of an element
  SideInfo side;
};

inline void PrintTo(const LargeRow& row, std::ostream* out) { *out << to_string(row.spec); }

// One period of values; the data repeats it.
inline std::vector<std::byte> period_of(const LargeRow& row, int64_t element) {
  std::vector<std::byte> period(static_cast<size_t>(kPeriod * element));
  std::mt19937 random(5);
  for (int64_t i = 0; i < kPeriod; ++i) {
    const uint32_t value = random() & 1 ? row.high : row.low;
    std::memcpy(period.data() + i * element, &value, static_cast<size_t>(element));
  }
  return period;
}

inline int64_t first_difference(const std::byte* data, const std::vector<std::byte>& period) {
  const auto length = static_cast<int64_t>(period.size());
  const int64_t element = length / kPeriod, bytes = kNumel * element;
  for (int64_t at = 0; at < bytes; at += length)
    if (std::memcmp(data + at, period.data(), static_cast<size_t>(std::min(length, bytes - at))) != 0)
      return at / element;
  return -1;
}

inline void repeat(const std::vector<std::byte>& period, std::byte* to, int64_t bytes) {
  const auto length = static_cast<int64_t>(period.size());
  for (int64_t at = 0; at < bytes; at += length)
    std::memcpy(to + at, period.data(), static_cast<size_t>(std::min(length, bytes - at)));
}

// The two values are the sides of every group, which group_quant gives back exactly; mask's stand-ins for (0, 1] are
// 0 and 1.
inline std::vector<LargeRow> large_rows() {
  return {{{"group_quant", {{"bits", 1}}}, DType::kBFloat16, 0xBF80, 0x3F80, {}},
          {{"mask", {}}, DType::kBFloat16, 0x0000, 0x3F80, {{PredicateKind::kGreater, 0, 0, true}, {}}},
          {{"bits", {}}, DType::kBool, 0, 1, {}},
          {{"int", {}}, DType::kInt16, 3, 9, {}}};
}

}  // namespace cinch::testing
