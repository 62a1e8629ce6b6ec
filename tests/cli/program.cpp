#include "tests/cli/program.h"

#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

namespace cinch::cli {
namespace {

namespace fs = std::filesystem;

std::set<fs::path> content(const fs::path& folder) {
  return {fs::directory_iterator(folder), fs::directory_iterator()};
}

}  // namespace

Program::Ended Program::run(const std::string& arguments, const std::string& before) const {
  const fs::path out = folder_ / ".out", err = folder_ / ".err";
  const std::string line = "cd '" + folder_.path().string() + "' && " + before + " '" + CINCH_BINARY_DIR +
                           "/bin/cinch' " + arguments + " >'" + out.string() + "' 2>'" + err.string() + "'";
  const int status = std::system(line.c_str());
  Ended ended{WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(out), read(err)};
  fs::remove(out);
  fs::remove(err);
  return ended;
}

void Program::expect_refused(const std::string& arguments, const std::string& named) const {
  const auto before = content(folder_.path());
  const Ended ended = run(arguments);
  EXPECT_EQ(ended.code, 2) << arguments << "\n" << ended.out << ended.err;
  EXPECT_EQ(std::ranges::count(ended.err, '\n'), 1) << arguments << "\n" << ended.err;
  EXPECT_NE(ended.err.find(named), std::string::npos) << arguments << "\n" << ended.err;
  EXPECT_EQ(ended.out, "") << arguments;
  EXPECT_EQ(content(folder_.path()), before) << arguments;
}

std::string Program::data(const std::string& name) {
  return std::string(CINCH_SOURCE_DIR) + "/tests/planner/data/" + name;
}

void Program::write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }

std::string Program::read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace cinch::cli
