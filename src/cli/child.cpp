#include "src/cli/child.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sstream>

#include "cinch/error.h"

namespace cinch::cli {
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
// Nameless, gone with the process. Files instead of pipes: no side can block the other.
using File = std::unique_ptr<std::FILE, Close>;

File temporary() {
  File file(std::tmpfile());
  if (!file) throw Error(std::string("no temporary file: ") + std::strerror(errno));
  return file;
}

std::string content(std::FILE* file) {
  std::rewind(file);
  std::string text;
  char buffer[65536];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;) text.append(buffer, n);
  return text;
}

}  // namespace

std::string Ended::first_error_line() const {
  std::istringstream lines(errors);
  for (std::string line; std::getline(lines, line);)
    if (line.find_first_not_of(" \t^") != std::string::npos && line.find("gnuplot>") == std::string::npos) return line;
  return "exit code " + std::to_string(code);
}

Ended run_child(const std::vector<std::string>& words, const std::string& input) {
  const File in = temporary(), out = temporary(), err = temporary();
  if (std::fwrite(input.data(), 1, input.size(), in.get()) != input.size() || std::fflush(in.get()) != 0)
    throw Error(std::string("no room for a temporary file: ") + std::strerror(errno));
  std::rewind(in.get());
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(in.get()), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(out.get()), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(err.get()), STDERR_FILENO);
  pid_t child = 0;
  const int refused = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  Ended ended;
  if (refused == ENOENT) return ended;
  if (refused != 0) throw Error(words[0] + " cannot be started: " + std::strerror(refused));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw Error(words[0] + " was lost: " + std::strerror(errno));
  ended.started = true;
  if (WIFEXITED(status)) ended.code = WEXITSTATUS(status);
  ended.output = content(out.get());
  ended.errors = content(err.get());
  return ended;
}

}  // namespace cinch::cli
