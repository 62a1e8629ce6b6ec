// Extents beyond 2^31 elements: no index of a codec may be narrower than 64 bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <string>

#include "cinch/codec.h"

namespace cinch::testing {
namespace {

constexpr int64_t kNumel = (int64_t{1} << 31) + 100'003;
constexpr int64_t kPeriod = 1'000'003;  // prime: an index that wraps round at a power of two meets another value

struct Free {
  void operator()(std::byte* p) const { std::free(p); }
};
using Bytes = std::unique_ptr<std::byte, Free>;

Bytes allocate(int64_t bytes) {
  return Bytes(static_cast<std::byte*>(std::aligned_alloc(64, static_cast<size_t>((bytes + 63) / 64 * 64))));
}

struct Row {
  CodecSpec spec;
  DType dtype;
  uint32_t low, high;  // the two values, as bits of an element
  SideInfo side;
};

void PrintTo(const Row& row, std::ostream* out) { *out << to_string(row.spec); }

class Large : public ::testing::TestWithParam<Row> {};

// Unlike sysconf's figure this one counts the cache of files, which gives way.
int64_t available_bytes() {
  std::ifstream info("/proc/meminfo");
  for (std::string line; std::getline(info, line);)
    if (line.rfind("MemAvailable:", 0) == 0) return std::stoll(line.substr(13)) * 1024;
  return 0;
}

// One period of values; the data repeats it.
std::vector<std::byte> period_of(const Row& row, int64_t element) {
  std::vector<std::byte> period(static_cast<size_t>(kPeriod * element));
  std::mt19937 random(5);
  for (int64_t i = 0; i < kPeriod; ++i) {
    const uint32_t value = random() & 1 ? row.high : row.low;
    std::memcpy(period.data() + i * element, &value, static_cast<size_t>(element));
  }
  return period;
}

int64_t first_difference(const std::byte* data, const std::vector<std::byte>& period) {
  const auto length = static_cast<int64_t>(period.size());
  const int64_t element = length / kPeriod, bytes = kNumel * element;
  for (int64_t at = 0; at < bytes; at += length)
    if (std::memcmp(data + at, period.data(), static_cast<size_t>(std::min(length, bytes - at))) != 0)
      return at / element;
  return -1;
}

TEST_P(Large, ValuesBeyondTwoToThe31ComeBack) {
  const Row& row = GetParam();
  const auto codec = make_codec(row.spec);
  const auto element = static_cast<int64_t>(dtype_bytes(row.dtype));
  const int64_t bytes = kNumel * element;
#if defined(__SANITIZE_THREAD__)
  constexpr int64_t kShadow = 5;  // bytes of the thread sanitizer's for each byte, and the byte
#else
  constexpr int64_t kShadow = 1;
#endif
  const int64_t needed = 2 * bytes * kShadow;
  if (available_bytes() < needed) GTEST_SKIP() << "needs " << (needed >> 30) << " GiB of free memory";
  const auto period = period_of(row, element);
  const Bytes data = allocate(bytes);
  for (int64_t at = 0; at < bytes; at += static_cast<int64_t>(period.size()))
    std::memcpy(data.get() + at, period.data(), static_cast<size_t>(std::min<int64_t>(kPeriod * element, bytes - at)));
  const CodecContext context;
  const Extent extent{data.get(), kNumel, row.dtype};
  const auto measured = codec->measure(extent, row.side, context);
  ASSERT_TRUE(measured.has_value());
  const Bytes payload = allocate(*measured);
  const auto written = codec->encode(extent, row.side, {payload.get(), static_cast<size_t>(*measured)}, context);
  ASSERT_TRUE(written.has_value());
  EXPECT_LT(*written, bytes);
  std::memset(data.get(), 0x55, static_cast<size_t>(bytes));
  codec->decode({payload.get(), static_cast<size_t>(*written)}, data.get(), kNumel, row.dtype, context);
  EXPECT_EQ(first_difference(data.get(), period), -1);
}

// The two values are the sides of every group, which group_quant gives back exactly; mask's stand-ins for (0, 1] are
// 0 and 1.
INSTANTIATE_TEST_SUITE_P(
    Codecs, Large,
    ::testing::Values(Row{{"group_quant", {{"bits", 1}}}, DType::kBFloat16, 0xBF80, 0x3F80, {}},
                      Row{{"mask", {}}, DType::kBFloat16, 0x0000, 0x3F80, {{PredicateKind::kGreater, 0, 0, true}, {}}},
                      Row{{"bits", {}}, DType::kBool, 0, 1, {}}, Row{{"int", {}}, DType::kInt16, 3, 9, {}}),
    [](const auto& info) { return info.param.spec.name; });

}  // namespace
}  // namespace cinch::testing
