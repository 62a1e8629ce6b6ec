#include "src/methods/methods.h"

#include <gtest/gtest.h>

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
  EXPECT_EQ(method_names(), "keep, shape, mask, bits, int, offload, group_quant");
}

TEST(Methods, DefaultsAreAllowedValues) {
  for (const MethodInfo& m : methods()) EXPECT_NO_THROW(normalise(normalise({std::string(m.name), {}})));
}

TEST(CodecSpec, NormaliseFillsInDefaults) {
  const CodecSpec full = normalise({"group_quant", {{"bits", int64_t{2}}}});
  EXPECT_EQ(full.params, (std::map<std::string, ParamValue>{
                             {"bits", int64_t{2}}, {"group", int64_t{256}}, {"rounding", std::string("stochastic")}}));
  EXPECT_EQ(normalise(full), full);
}

TEST(CodecSpec, NormaliseNamesMethodParameterAndWhatIsAllowed) {
  EXPECT_EQ(message({"gzip", {}}),
            "unknown method \"gzip\": one of keep, shape, mask, bits, int, offload, group_quant is expected");
  EXPECT_EQ(message({"group_quant", {{"bits", int64_t{3}}}}),
            "group_quant: parameter \"bits\" is 3, allowed: 1, 2, 4, 8");
  EXPECT_EQ(message({"group_quant", {{"bits", 2.0}}}),
            "group_quant: parameter \"bits\" must be an integer, allowed: 1, 2, 4, 8");
  EXPECT_EQ(message({"group_quant", {{"rounding", std::string("up")}}}),
            "group_quant: parameter \"rounding\" is up, allowed: stochastic, nearest");
  EXPECT_EQ(message({"group_quant", {{"bit", int64_t{2}}}}),
            "group_quant: unknown parameter \"bit\": one of bits, group, rounding is expected");
  EXPECT_EQ(message({"keep", {{"bits", int64_t{2}}}}), "keep: unknown parameter \"bits\": it has none");
}

TEST(CodecSpec, TextLeavesOutDefaults) {
  EXPECT_EQ(to_string(CodecSpec{}), "keep");
  EXPECT_EQ(to_string(CodecSpec{"group_quant", {{"bits", int64_t{2}}}}), "group_quant(bits=2)");
  EXPECT_EQ(to_string(normalise({"group_quant", {{"bits", int64_t{2}}}})), "group_quant(bits=2)");
  EXPECT_EQ(to_string(CodecSpec{"group_quant", {{"rounding", std::string("nearest")}, {"bits", int64_t{8}}}}),
            "group_quant(bits=8, rounding=nearest)");
  EXPECT_EQ(to_string(CodecSpec{"other", {{"x", 0.5}, {"on", true}}}), "other(on=true, x=0.5)");
}

TEST(CodecSpec, GettersCheckTypes) {
  const CodecSpec s{"m", {{"i", int64_t{2}}, {"d", 0.5}, {"t", std::string("x")}}};
  EXPECT_EQ(s.get_int("i", 0), 2);
  EXPECT_EQ(s.get_int("absent", 7), 7);
  EXPECT_EQ(s.get_double("i", 0), 2.0);
  EXPECT_EQ(s.get_double("d", 0), 0.5);
  EXPECT_EQ(s.get_string("t", ""), "x");
  EXPECT_THROW(s.get_int("d", 0), CodecError);
  EXPECT_THROW(s.get_double("t", 0), CodecError);
  EXPECT_THROW(s.get_string("i", ""), CodecError);
}

}  // namespace
}  // namespace cinch
