// cinch-train and cinch-bench as users run them, each in a folder of its own.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/support/scratch_folder.h"

namespace cinch::train {

namespace fs = std::filesystem;

struct Ended {
  int code = -1;
  std::string out, err;
  size_t error_lines() const { return static_cast<size_t>(std::count(err.begin(), err.end(), '\n')); }
};

class Command : public testing::Test {
 protected:
  static std::string slurp(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  // `arguments` as a shell takes them; the program runs in the test's folder.
  Ended run(const std::string& arguments, const std::string& program = "cinch-train") const {
    const fs::path out = folder_ / ".out", err = folder_ / ".err";
    const std::string line = "cd '" + folder_.path().string() + "' && '" + std::string(CINCH_BINARY_DIR) + "/bin/" +
                             program + "' " + arguments + " >'" + out.string() + "' 2>'" + err.string() + "'";
    const int status = std::system(line.c_str());
    Ended ended{WIFEXITED(status) ? WEXITSTATUS(status) : -1, slurp(out), slurp(err)};
    fs::remove(out);
    fs::remove(err);
    return ended;
  }

  void expect_refused(const std::string& arguments, const std::string& named,
                      const std::string& program = "cinch-train") const {
    const Ended ended = run(arguments, program);
    EXPECT_EQ(ended.code, 2) << arguments << "\n" << ended.err;
    EXPECT_EQ(ended.error_lines(), 1u) << arguments << "\n" << ended.err;
    EXPECT_NE(ended.err.find(named), std::string::npos) << arguments << "\n" << ended.err;
    EXPECT_FALSE(fs::exists(folder_ / "result.json")) << arguments;
    EXPECT_FALSE(fs::exists(folder_ / "plan.json")) << arguments;
  }

  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }

  const test::ScratchFolder folder_;
};

}  // namespace cinch::train
