// The program as users run it, in a folder of its own that the test's end removes.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/support/scratch_folder.h"

namespace cinch::cli {

class Program : public testing::Test {
 protected:
  struct Ended {
    int code = -1;
    std::string out, err;
  };

  // `arguments` as a shell takes them; `before` stands before the program, for its environment.
  Ended run(const std::string& arguments, const std::string& before = "") const;
  // Exit code 2, one line on standard error that has `named`, nothing on standard output, no new file.
  void expect_refused(const std::string& arguments, const std::string& named) const;

  static std::string data(const std::string& name);
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void write(const std::string& name, const std::string& text) const;
  static std::string read(const std::string& path);

 private:
  const test::ScratchFolder folder_;
};

}  // namespace cinch::cli
