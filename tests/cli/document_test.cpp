// docs/programs.md shows what the program prints. After a change look at the difference, then write it anew with
//   CINCH_UPDATE_GOLDEN=1 cinch_test_cli --gtest_filter='*Document*'
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "planner/file_io.h"
#include "tests/cli/program.h"

namespace cinch::cli {
namespace {

class ProgramDocument : public Program {
 protected:
  // The files that the examples name.
  void SetUp() override {
    const std::string profile = read(data("network.profile.json"));
    write("network.profile.json", profile);
    write("rules.budget.json", read(data("rules.budget.json")));
    auto other = nlohmann::ordered_json::parse(profile);
    other["fingerprint"] = "0dd";
    other["sites"][1]["name"] = "stem.bn/native_batch_norm#0:input";
    write("other.profile.json", other.dump());
    auto broken = nlohmann::ordered_json::parse(read(data("rules.plan.json")));
    broken["entries"][2]["charged_bytes"] = "few";
    write("broken.plan.json", broken.dump());
    write("contradicting.budget.json", R"({"schema": "cinch.budget/1", "sites": [
        {"match": "fc/*", "codec": {"name": "keep"}}, {"match": "fc/*", "max_bits": 4}]})");
    write("hidden.budget.json", R"({"schema": "cinch.budget/1", "sites": [
        {"match": "bn1/*", "codec": {"name": "keep"}}, {"match": "*", "max_bits": 6}, {"match": "head/*", "max_bits": 2}]})");
  }

  // What the command and its exit code look like on a screen.
  std::string screen(const std::string& arguments) const {
    const Ended ended = run(arguments);
    return ended.out + ended.err + (ended.code == 0 ? "" : "[exit code " + std::to_string(ended.code) + "]\n");
  }
};

TEST_F(ProgramDocument, ShowsWhatIsPrinted) {
  const std::string document = std::string(CINCH_SOURCE_DIR) + "/docs/programs.md", before = read(document);
  std::istringstream lines(before);
  std::string after;
  bool example = false;
  int commands = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line == "```console") example = true;
    if (line == "```") example = false;
    const bool command = example && line.starts_with("$ cinch ");
    if (!example || command || line == "```console") after += line + "\n";
    if (!command) continue;
    after += screen(line.substr(8));
    ++commands;
  }
  EXPECT_GE(commands, 8);
  if (std::getenv("CINCH_UPDATE_GOLDEN")) planner::write_file_atomically(document, after);
  std::istringstream shown(read(document)), printed(after);
  std::string is, should;
  for (int number = 1; std::getline(printed, should); ++number) {
    std::getline(shown, is);
    ASSERT_EQ(is, should) << document << ", line " << number;
  }
  EXPECT_FALSE(std::getline(shown, is)) << is;
}

}  // namespace
}  // namespace cinch::cli
