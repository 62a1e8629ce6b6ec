// Specs out of range are refused by name before there is a codec.
#include <gtest/gtest.h>

#include "cinch/codec.h"
#include "cinch/error.h"

namespace cinch::testing {
namespace {

std::string refusal(const CodecSpec& spec) {
  try {
    make_codec(spec);
  } catch (const CodecError& e) {
    return e.what();
  }
  return "";
}

TEST(BadSpecs, NameMethodParameterAndWhatIsAllowed) {
  EXPECT_EQ(refusal({"lfc", {{"block", int64_t{0}}}}), "lfc: parameter \"block\" is 0, allowed: 1 to 64");
  EXPECT_EQ(refusal({"lfc", {{"block", int64_t{65}}}}), "lfc: parameter \"block\" is 65, allowed: 1 to 64");
  EXPECT_EQ(refusal({"lfc", {{"bits", int64_t{3}}}}), "lfc: parameter \"bits\" is 3, allowed: 1, 2, 4, 8");
  EXPECT_EQ(refusal({"lfc", {{"bits", 3.5e9}}}), "lfc: parameter \"bits\" must be an integer, allowed: 1, 2, 4, 8");
  EXPECT_EQ(refusal({"pool", {{"block", int64_t{3}}}}), "pool: parameter \"block\" is 3, allowed: 2, 4, 8");
  EXPECT_EQ(refusal({"pool", {{"bits", int64_t{2}}}}), "pool: unknown parameter \"bits\": one of block is expected");
  EXPECT_EQ(refusal({"fixed_point", {{"bits", int64_t{2}}}}), "fixed_point: parameter \"bits\" is 2, allowed: 4, 8");
  EXPECT_EQ(refusal({"group_quant", {{"average_bits", 0.5}}}),
            "group_quant: parameter \"average_bits\" is 0.5, allowed: 0 or 1 to 8");
  EXPECT_EQ(refusal({"group_quant", {{"average_bits", int64_t{9}}}}),
            "group_quant: parameter \"average_bits\" is 9, allowed: 0 or 1 to 8");
  EXPECT_EQ(refusal({"group_quant", {{"average_bits", 2.5}, {"bits", int64_t{2}}}}),
            "group_quant: parameter \"bits\" is 2, but \"average_bits\" = 2.5 takes its place; allowed beside it: 4, "
            "its default");
  EXPECT_EQ(refusal({"cast", {{"dtype", std::string("fp4")}}}),
            "cast: parameter \"dtype\" is fp4, allowed: bf16, fp16, fp8_e4m3, fp8_e5m2");
  EXPECT_EQ(refusal({"cast", {{"dtype", int64_t{16}}}}),
            "cast: parameter \"dtype\" must be a text, allowed: bf16, fp16, fp8_e4m3, fp8_e5m2");
}

}  // namespace
}  // namespace cinch::testing
