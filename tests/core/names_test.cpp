#include <gtest/gtest.h>

#include "cinch/dtype.h"
#include "cinch/error.h"
#include "cinch/need.h"
#include "src/core/bytes_text.h"
#include "src/core/checked.h"
#include "src/core/checksum.h"

namespace cinch {
namespace {

TEST(DType, NamesAndSizesGoBothWays) {
  const int64_t bytes[] = {4, 2, 2, 8, 1, 1, 1, 2, 4, 8, 0};
  for (int i = 0; i <= static_cast<int>(DType::kOther); ++i) {
    const auto d = static_cast<DType>(i);
    EXPECT_EQ(dtype_from_string(to_string(d)), d);
    EXPECT_EQ(dtype_bytes(d), bytes[i]);
  }
  EXPECT_EQ(to_string(DType::kBFloat16), "bfloat16");
  EXPECT_EQ(dtype_from_string("complex64"), DType::kOther);
}

TEST(Need, NamesGoBothWays) {
  for (int i = 0; i <= static_cast<int>(Need::kParameter); ++i) {
    const auto n = static_cast<Need>(i);
    EXPECT_EQ(need_from_string(to_string(n)), n);
  }
  for (int i = 0; i <= static_cast<int>(PredicateKind::kJointAbsEqual); ++i) {
    const auto p = static_cast<PredicateKind>(i);
    EXPECT_EQ(predicate_from_string(to_string(p)), p);
  }
}

TEST(Need, AnUnknownNameIsAnErrorThatListsTheKnownOnes) {
  try {
    need_from_string("lossy");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("\"lossy\""), std::string::npos);
    EXPECT_NE(std::string(e.what()).find("nonlinear"), std::string::npos);
  }
  EXPECT_THROW(predicate_from_string(""), Error);
}

TEST(BytesText, ReadsWell) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1024), "1 KiB");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(1048575), "1 MiB") << "never 1024 KiB";
  EXPECT_EQ(bytes_text(-(int64_t{3} << 30)), "-3 GiB");
  EXPECT_EQ(bytes_text(INT64_MAX), "8 EiB");
  EXPECT_EQ(bytes_text(INT64_MIN), "-8 EiB");
}

TEST(MemoryBreakdown, NamesEveryPartAndLeavesOutWhatIsUnknown) {
  MemoryBreakdown b;
  b.parameters_bytes = 1 << 20;
  b.payloads_bytes = 3 << 10;
  const std::string text = to_string(b);
  EXPECT_NE(text.find("parameters 1 MiB"), std::string::npos);
  EXPECT_NE(text.find("payloads 3 KiB"), std::string::npos);
  EXPECT_EQ(text.find("smallest limit"), std::string::npos);
  b.smallest_limit_bytes = 5 << 20;
  EXPECT_NE(to_string(b).find("smallest limit 5 MiB"), std::string::npos);
}

TEST(Checked, OverflowThrows) {
  EXPECT_EQ(checked_mul(1 << 20, 1 << 20), int64_t{1} << 40);
  EXPECT_THROW(checked_mul(INT64_MAX, 2), Error);
  EXPECT_THROW(checked_add(INT64_MAX, 1), Error);
  EXPECT_EQ(ceil_div(INT64_MAX, 2), INT64_MAX / 2 + 1);
  EXPECT_EQ(ceil_div(0, 7), 0);
}

TEST(Checksum, SeesEveryBit) {
  unsigned char data[60] = {1, 2, 3};
  const uint32_t before = checksum32(data, sizeof data);
  for (int bit = 0; bit < 480; ++bit) {
    data[bit / 8] ^= static_cast<unsigned char>(1 << bit % 8);
    EXPECT_NE(checksum32(data, sizeof data), before);
    data[bit / 8] ^= static_cast<unsigned char>(1 << bit % 8);
  }
}

}  // namespace
}  // namespace cinch
