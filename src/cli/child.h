// Another program, run to its end without a shell.
#pragma once

#include <string>
#include <vector>

namespace cinch::cli {

struct Ended {
  bool started = false;  // false: there is no such program
  int code = -1;         // exit code; -1: ended by a signal
  std::string output, errors;
  // Without what gnuplot puts before it: empty lines and the command that failed.
  std::string first_error_line() const;
};

// Looks for words[0] in PATH, hands it `input`, waits for its end. Throws Error where the system refuses.
Ended run_child(const std::vector<std::string>& words, const std::string& input);

}  // namespace cinch::cli
