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
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

TEST(CodecsCommand, TextLosesNoWordWhereItIsFolded) {
  const auto words = [](const std::string& text) {
    std::istringstream stream(text);
    std::string joined;
    for (std::string word; stream >> word;) joined += word + " ";
    return joined;
  };
  const std::string text = words(codecs_text());
  for (const auto& method : codecs_document()["methods"]) {
    EXPECT_NE(text.find(words(method["description"])), std::string::npos) << method.dump();
    for (const auto& param : method["parameters"])
      EXPECT_NE(text.find(words(param["description"])), std::string::npos) << param.dump();
  }
  EXPECT_NE(codecs_text().find("IPDPS 2016), cuSZ\n  (Tian et al., PACT 2020)\n"), std::string::npos) << codecs_text();
}

}  // namespace
}  // namespace cinch::cli
