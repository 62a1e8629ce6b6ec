#include "src/methods/methods.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

#include "cinch/error.h"

namespace cinch {
namespace {

std::string message(const CodecSpec& spec) {
  try {
    normalise(spec);
  } catch (const CodecError& e) {
    return e.what();
  }
  return "";
}

TEST(Methods, EachHasItsOwnNameAndADescription) {
  std::set<std::string_view> names;
  for (const MethodInfo& m : methods()) {
    EXPECT_TRUE(names.insert(m.name).second);
    EXPECT_FALSE(m.description.empty());
    EXPECT_FALSE(m.source.empty());
    EXPECT_EQ(find_method(m.name), &m);
    EXPECT_EQ(m.lossless, m.error_class == "exact");
  }
  EXPECT_EQ(find_method("zip"), nullptr);
  EXPECT_EQ(method_names(),
            "keep, shape, mask, bits, int, offload, group_quant, lfc, pool, fixed_point, cast, dither, "
            "error_bound");
}

TEST(Methods, DefaultsAreAllowedValues) {
  for (const MethodInfo& m : methods()) EXPECT_NO_THROW(normalise(normalise({std::string(m.name), {}})));
}

TEST(CodecSpec, NormaliseFillsInDefaults) {
  const CodecSpec full = normalise({"group_quant", {{"bits", int64_t{2}}}});
  EXPECT_EQ(full.params, (std::map<std::string, ParamValue>{{"bits", int64_t{2}},
                                                            {"group", int64_t{256}},
                                                            {"rounding", std::string("stochastic")},
                                                            {"average_bits", 0.0}}));
  EXPECT_EQ(normalise(full), full);
}

TEST(CodecSpec, NormaliseNamesMethodParameterAndWhatIsAllowed) {
  EXPECT_EQ(message({"gzip", {}}),
            "unknown method \"gzip\": one of keep, shape, mask, bits, int, offload, group_quant, lfc, pool, "
            "fixed_point, cast, dither, error_bound is expected");
  EXPECT_EQ(message({"group_quant", {{"bits", int64_t{3}}}}),
            "group_quant: parameter \"bits\" is 3, allowed: 1, 2, 4, 8");
  EXPECT_EQ(message({"group_quant", {{"bits", 2.0}}}),
            "group_quant: parameter \"bits\" must be an integer, allowed: 1, 2, 4, 8");
  EXPECT_EQ(message({"group_quant", {{"rounding", std::string("up")}}}),
            "group_quant: parameter \"rounding\" is up, allowed: stochastic, nearest");
  EXPECT_EQ(message({"group_quant", {{"bit", int64_t{2}}}}),
            "group_quant: unknown parameter \"bit\": one of bits, group, rounding, average_bits is expected");
  EXPECT_EQ(message({"keep", {{"bits", int64_t{2}}}}), "keep: unknown parameter \"bits\": it has none");
}

// Every kind of parameter; the table need not have a method with all of them.
constexpr std::array<ParamInfo, 4> kKinds{{
    {"block", int64_t{8}, {}, {}, "", IntegerRange{1, 64}},
    {"step", 1.0, {}, {}, "", {}, Range{0.001, 8}},
    {"zeros", true, {}, {}, ""},
    {"blocks", 0.0, {}, {}, "", {}, Range{2, 3}, "block"},
}};
constexpr MethodInfo kEveryKind{"m", false, "bounded", "", "", kKinds};

TEST(CodecSpec, RangesIncludeTheirEnds) {
  for (const int64_t v : {1, 2, 64}) EXPECT_NO_THROW(normalise({"m", {{"block", v}}}, kEveryKind));
  for (const double v : {0.001, 0.5, 8.0}) EXPECT_NO_THROW(normalise({"m", {{"step", v}}}, kEveryKind));
  for (const bool v : {false, true}) EXPECT_EQ(normalise({"m", {{"zeros", v}}}, kEveryKind).get_bool("zeros", !v), v);
}

TEST(CodecSpec, AnIntegerMayStandForARealNumber) {
  const CodecSpec full = normalise({"m", {{"step", int64_t{2}}}}, kEveryKind);
  EXPECT_EQ(full.params, (std::map<std::string, ParamValue>{
                             {"block", int64_t{8}}, {"step", 2.0}, {"zeros", true}, {"blocks", 0.0}}));
}

std::string refusal_of(const std::map<std::string, ParamValue>& params) {
  try {
    normalise({"m", params}, kEveryKind);
  } catch (const CodecError& e) {
    return e.what();
  }
  return "";
}

TEST(CodecSpec, ADefaultOutsideOfTheRangeIsAllowedToo) {
  for (const ParamValue& v : {ParamValue(0.0), ParamValue(int64_t{0}), ParamValue(2.5), ParamValue(int64_t{3})})
    EXPECT_EQ(refusal_of({{"blocks", v}}), "");
  EXPECT_EQ(refusal_of({{"blocks", 0.5}}), "m: parameter \"blocks\" is 0.5, allowed: 0 or 2 to 3");
  EXPECT_EQ(refusal_of({{"blocks", std::nan("")}}), "m: parameter \"blocks\" is nan, allowed: 0 or 2 to 3");
  EXPECT_EQ(refusal_of({{"blocks", true}}), "m: parameter \"blocks\" must be a number, allowed: 0 or 2 to 3");
}

TEST(CodecSpec, AParameterThatTakesAnothersPlaceLeavesItAtItsDefault) {
  EXPECT_EQ(refusal_of({{"block", int64_t{8}}, {"blocks", 2.5}}), "");
  EXPECT_EQ(refusal_of({{"block", int64_t{9}}, {"blocks", 0.0}}), "");
  EXPECT_EQ(refusal_of({{"block", int64_t{9}}, {"blocks", int64_t{2}}}),
            "m: parameter \"block\" is 9, but \"blocks\" = 2 takes its place; allowed beside it: 8, its default");
}

TEST(CodecSpec, RefusalsNameTheRange) {
  const auto refusal = [](const char* key, const ParamValue& value) { return refusal_of({{key, value}}); };
  EXPECT_EQ(refusal("block", int64_t{0}), "m: parameter \"block\" is 0, allowed: 1 to 64");
  EXPECT_EQ(refusal("block", int64_t{65}), "m: parameter \"block\" is 65, allowed: 1 to 64");
  EXPECT_EQ(refusal("block", int64_t{3'500'000'000}), "m: parameter \"block\" is 3500000000, allowed: 1 to 64");
  EXPECT_EQ(refusal("block", 8.0), "m: parameter \"block\" must be an integer, allowed: 1 to 64");
  EXPECT_EQ(refusal("step", -1.0), "m: parameter \"step\" is -1, allowed: 0.001 to 8");
  EXPECT_EQ(refusal("step", int64_t{9}), "m: parameter \"step\" is 9, allowed: 0.001 to 8");
  EXPECT_EQ(refusal("step", std::nan("")), "m: parameter \"step\" is nan, allowed: 0.001 to 8");
  EXPECT_EQ(refusal("step", INFINITY), "m: parameter \"step\" is inf, allowed: 0.001 to 8");
  EXPECT_EQ(refusal("step", true), "m: parameter \"step\" must be a number, allowed: 0.001 to 8");
  EXPECT_EQ(refusal("step", std::string("1")), "m: parameter \"step\" must be a number, allowed: 0.001 to 8");
  EXPECT_EQ(refusal("zeros", int64_t{1}), "m: parameter \"zeros\" must be true or false, allowed: true, false");
}

TEST(CodecSpec, TextLeavesOutDefaults) {
  EXPECT_EQ(to_string(CodecSpec{}), "keep");
  EXPECT_EQ(to_string(CodecSpec{"group_quant", {{"bits", int64_t{2}}}}), "group_quant(bits=2)");
  EXPECT_EQ(to_string(normalise({"group_quant", {{"bits", int64_t{2}}}})), "group_quant(bits=2)");
  EXPECT_EQ(to_string(CodecSpec{"group_quant", {{"rounding", std::string("nearest")}, {"bits", int64_t{8}}}}),
            "group_quant(bits=8, rounding=nearest)");
  EXPECT_EQ(to_string(normalise({"group_quant", {{"average_bits", int64_t{2}}}})), "group_quant(average_bits=2)");
  EXPECT_EQ(to_string(CodecSpec{"other", {{"x", 0.5}, {"on", true}}}), "other(on=true, x=0.5)");
}

TEST(CodecSpec, GettersCheckTypes) {
  const CodecSpec s{"m", {{"b", true}, {"i", int64_t{2}}, {"d", 0.5}, {"t", std::string("x")}}};
  EXPECT_TRUE(s.get_bool("b", false));
  EXPECT_TRUE(s.get_bool("absent", true));
  EXPECT_EQ(s.get_int("i", 0), 2);
  EXPECT_EQ(s.get_int("absent", 7), 7);
  EXPECT_EQ(s.get_double("i", 0), 2.0);
  EXPECT_EQ(s.get_double("d", 0), 0.5);
  EXPECT_EQ(s.get_string("t", ""), "x");
  EXPECT_THROW(s.get_bool("i", false), CodecError);
  EXPECT_THROW(s.get_int("d", 0), CodecError);
  EXPECT_THROW(s.get_double("t", 0), CodecError);
  EXPECT_THROW(s.get_string("i", ""), CodecError);
}

}  // namespace
}  // namespace cinch
