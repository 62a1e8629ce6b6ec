#include "src/cli/codecs.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "cinch/codec_spec.h"
#include "src/methods/methods.h"

namespace cinch::cli {
namespace {

TEST(CodecsCommand, NamesEveryMethodOnceWithParametersThatCanBeUsed) {
  const auto document = codecs_document();
  EXPECT_EQ(document["schema"], "cinch.codecs/1");
  ASSERT_EQ(document["methods"].size(), methods().size());
  for (size_t i = 0; i < methods().size(); ++i) {
    const auto& row = document["methods"][i];
    EXPECT_EQ(row["name"], methods()[i].name);
    EXPECT_EQ(row["lossless"], row["error_class"] == "exact") << row.dump();
    EXPECT_FALSE(row["devices"].empty()) << row.dump();
    EXPECT_EQ(row["parameters"].size(), methods()[i].params.size());
    for (const auto& param : row["parameters"])
      EXPECT_NE(param.contains("values"), param.contains("range")) << param.dump();
  }
}

TEST(CodecsCommand, TellsWhereMethodsWork) {
  const auto document = codecs_document();
  for (const auto& row : document["methods"]) {
    const bool on_cpu = row["devices"].front() == "cpu";
    EXPECT_EQ(on_cpu, row["name"] != "offload") << row.dump();
  }
}

TEST(CodecsCommand, TextHasAllParametersWithDefaultsAndFitsAScreen) {
  const std::string text = codecs_text();
  EXPECT_NE(text.find("group_quant (unbiased; cpu"), std::string::npos) << text;
  EXPECT_NE(text.find("  bits = 4  [1, 2, 4 or 8]\n      bits per value\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  step_sigma = 1.0  [0.03125 to 8]"), std::string::npos) << text;
  EXPECT_NE(text.find("  average_bits = 0.0  [0 or 1 to 8]"), std::string::npos) << text;
  EXPECT_NE(text.find("  relative = true  [false or true]"), std::string::npos) << text;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 120u) << line;
}

}  // namespace
}  // namespace cinch::cli
