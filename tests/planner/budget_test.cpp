#include "cinch/budget.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "cinch/error.h"

namespace cinch {
namespace {

std::string message_of(const Budget& budget) {
  try {
    validate(budget);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Budget, ParsesEveryFormOfTheCommandLine) {
  EXPECT_EQ(Budget::parse("600MiB"), Budget::bytes(600 * 1048576));
  EXPECT_EQ(Budget::parse("8000000000"), Budget::bytes(8'000'000'000));
  EXPECT_EQ(Budget::parse("60%"), Budget::fraction_of_baseline(0.6));
  EXPECT_EQ(Budget::parse("floor+25%"), Budget::above_floor(0.25));
  EXPECT_EQ(Budget::parse("floor+0%"), Budget::above_floor(0));
  EXPECT_EQ(Budget::parse("device:90%"), Budget::fraction_of_device(0.9));
  EXPECT_EQ(Budget::parse("exact"), Budget::exact());
}

TEST(Budget, RefusesAbsurdValues) {
  for (const char* text :
       {"", "0", "0%", "-5", "-5%", "floor", "floor+", "floor-25%", "floor+-1%", "device:0%", "device:101%",
        "device:1GiB", "nan%", "inf", "1e30", "99999999%", "exactly", "60 percent", "600 Mib 3"})
    EXPECT_THROW(Budget::parse(text), Error) << text;
}

TEST(Budget, SaysWhatIsAllowedWhenItDoesNotUnderstand) {
  try {
    Budget::parse("lots");
    FAIL();
  } catch (const Error& error) {
    const std::string what = error.what();
    for (const char* form : {"lots", "600MiB", "60%", "floor+25%", "device:90%", "exact", "budget file"})
      EXPECT_NE(what.find(form), what.npos) << what;
  }
}

TEST(Budget, NamesTheMissingBudgetFile) {
  try {
    Budget::parse("no/such/budget.json");
    FAIL();
  } catch (const JsonError& error) {
    EXPECT_EQ(error.file(), "no/such/budget.json");
  }
}

TEST(Budget, ExactIsLosslessWithoutALimit) {
  const Budget budget = Budget::exact();
  EXPECT_EQ(budget.limit.kind, LimitKind::kNone);
  EXPECT_TRUE(budget.lossless_only());
  validate(budget);
}

TEST(Budget, LosslessOnlyAsksTheTableOfMethods) {
  Budget budget;
  EXPECT_FALSE(budget.lossless_only());
  budget.allow = {"mask", "bits"};
  EXPECT_TRUE(budget.lossless_only());
  budget.allow = {"mask", "group_quant"};
  EXPECT_FALSE(budget.lossless_only());
}

TEST(Budget, FactoriesRefuseValuesOutOfRange) {
  EXPECT_THROW(Budget::bytes(0), Error);
  EXPECT_THROW(Budget::bytes(-1), Error);
  EXPECT_THROW(Budget::fraction_of_device(0), Error);
  EXPECT_THROW(Budget::fraction_of_device(1.01), Error);
  EXPECT_THROW(Budget::fraction_of_baseline(std::numeric_limits<double>::quiet_NaN()), Error);
  EXPECT_THROW(Budget::above_floor(-0.1), Error);
}

TEST(Budget, ValidateNamesTheFieldThatIsOutOfRange) {
  Budget budget;
  budget.min_effective_batch = 1.0;
  EXPECT_NE(message_of(budget).find("min_effective_batch"), std::string::npos);
  budget = {};
  budget.max_gradient_noise = -1.0;
  EXPECT_NE(message_of(budget).find("max_gradient_noise"), std::string::npos);
  budget = {};
  budget.allow = {"zip"};
  EXPECT_NE(message_of(budget).find("zip"), std::string::npos);
}

TEST(Budget, ARuleHasExactlyOneOfCodecAndMaxBits) {
  Budget budget;
  budget.rules = {{"*", std::nullopt, std::nullopt}};
  EXPECT_THROW(validate(budget), Error);
  budget.rules = {{"*", CodecSpec{"keep", {}}, 2.0}};
  EXPECT_THROW(validate(budget), Error);
  budget.rules = {{"*", std::nullopt, 2.0}};
  validate(budget);
  budget.rules = {{"*", std::nullopt, 0.0}};
  EXPECT_THROW(validate(budget), Error);
}

TEST(Budget, ARuleMustNotAskForWhatAllowLeavesOut) {
  Budget budget = Budget::exact();
  budget.rules = {{"*", CodecSpec{"group_quant", {{"bits", int64_t{2}}}}, std::nullopt}};
  EXPECT_NE(message_of(budget).find("allow"), std::string::npos);
  budget.rules = {{"*", CodecSpec{"keep", {}}, std::nullopt}};
  EXPECT_EQ(message_of(budget), "");
}

TEST(Budget, ARuleWithAnUnknownParameterIsRefused) {
  Budget budget;
  budget.rules = {{"*", CodecSpec{"group_quant", {{"bitz", int64_t{2}}}}, std::nullopt}};
  EXPECT_NE(message_of(budget).find("bitz"), std::string::npos);
}

}  // namespace
}  // namespace cinch
