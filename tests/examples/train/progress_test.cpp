// Progress as a terminal and a pipe get it. Descriptors 1 and 2 are exchanged for the while.
#include "examples/train/progress.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cinch/error.h"
#include "examples/train/metrics_output.h"
#include "tests/support/scratch_folder.h"

namespace cinch::train {
namespace {

enum class Kind { kPipe, kTerminal };

constexpr uint16_t kColumns = 72;

// What is written to `fd` while this is alive. Little of it: nobody reads before the end.
class Captured {
 public:
  Captured(int fd, Kind kind) : fd_(fd) {
    int theirs = -1;
    if (kind == Kind::kPipe) {
      int ends[2] = {-1, -1};
      EXPECT_EQ(pipe(ends), 0);
      ours_ = ends[0], theirs = ends[1];
    } else {
      ours_ = posix_openpt(O_RDWR | O_NOCTTY);
      EXPECT_EQ(grantpt(ours_), 0);
      EXPECT_EQ(unlockpt(ours_), 0);
      theirs = open(ptsname(ours_), O_RDWR | O_NOCTTY);
      termios settings{};
      EXPECT_EQ(tcgetattr(theirs, &settings), 0);
      cfmakeraw(&settings);  // no carriage returns but those that are written
      EXPECT_EQ(tcsetattr(theirs, TCSANOW, &settings), 0);
      const winsize size{24, kColumns, 0, 0};
      EXPECT_EQ(ioctl(theirs, TIOCSWINSZ, &size), 0);
    }
    std::fflush(nullptr);
    saved_ = dup(fd);
    EXPECT_GE(dup2(theirs, fd), 0);
    close(theirs);
  }
  ~Captured() {
    if (saved_ >= 0) text();
  }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;

  // Ends it.
  std::string text() {
    std::fflush(nullptr);
    dup2(saved_, fd_);
    close(std::exchange(saved_, -1));
    std::string all;
    char part[512];
    // A terminal ends with an error, once all is read.
    for (ssize_t n = 0; (n = read(ours_, part, sizeof part)) > 0;) all.append(part, static_cast<size_t>(n));
    close(ours_);
    return all;
  }

 private:
  const int fd_;
  int ours_ = -1, saved_ = -1;
};

class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    setenv(name, value, 1);
  }
  ~Environment() { before_ ? setenv(name_, before_->c_str(), 1) : unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* const name_;
  std::optional<std::string> before_;
};

struct Seen {
  std::string out, err;
};

constexpr int kSteps = 5;

// A training of five steps that says something of each kind. "" in place of NO_COLOR is as good as none.
Seen seen(Kind kind, bool quiet, const char* no_colour = "", const char* terminal = "xterm-256color") {
  const Environment one("NO_COLOR", no_colour), two("TERM", terminal);
  Captured out(STDOUT_FILENO, kind), err(STDERR_FILENO, kind);
  Options options;
  options.quiet = quiet;
  {
    Progress progress(kSteps, options);
    progress.phase("getting ready");
    progress.milestone("found something");
    for (int step = 1; step <= kSteps; ++step) {
      progress.step(step, {0.5, 2.25, 3 << 20}, 4 << 20);
      if (step == 3) progress.note("a warning");
    }
    progress.phase("evaluating");
  }
  Seen result;
  result.out = out.text();
  result.err = err.text();
  return result;
}

int64_t count(const std::string& text, char letter) { return std::count(text.begin(), text.end(), letter); }

// What is to be seen in the end: rows of a screen, where a carriage return leads back to the first column and letters
// replace what was there.
std::vector<std::string> screen_of(const std::string& text) {
  std::vector<std::string> rows(1);
  size_t column = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    std::string& row = rows.back();
    if (text[i] == '\r') {
      column = 0;
    } else if (text[i] == '\n') {
      rows.emplace_back();
      column = 0;
    } else if (text[i] == '\033') {
      const size_t end = text.find_first_of("mK", i);
      if (text[end] == 'K') row.erase(std::min(column, row.size()));
      i = end;
    } else {
      row.resize(std::max(row.size(), column + 1), ' ');
      row[column++] = text[i];
    }
  }
  for (std::string& row : rows) row.erase(row.find_last_not_of(' ') + 1);
  return rows;
}

TEST(Progress, RewritesOneLineOfATerminalInColour) {
  const Seen seen_there = seen(Kind::kTerminal, false);
  const std::string& text = seen_there.out;
  EXPECT_GE(count(text, '\r'), kSteps) << text;
  EXPECT_EQ(count(text, '\n'), 2) << "those of milestone and note: " << text;
  EXPECT_NE(text.find("\033[32m["), std::string::npos) << "a green bar: " << text;
  EXPECT_NE(text.find("\033[33ma warning\033[0m\n"), std::string::npos) << text;
  for (const char* step : {"step 1/5", "step 4/5", "step 5/5"}) EXPECT_NE(text.find(step), std::string::npos) << text;
  // Nothing of the line is left where something else comes, nor at the end.
  EXPECT_EQ(screen_of(text), (std::vector<std::string>{"found something", "a warning", ""}));
  EXPECT_EQ(screen_of(text.substr(0, text.find("step 2/5") + 8)).back(), "step 2/5");
  EXPECT_EQ(seen_there.err, "");
}

TEST(Progress, IsPlainLinesInAPipe) {
  const Seen seen_there = seen(Kind::kPipe, false);
  const std::string& text = seen_there.out;
  EXPECT_EQ(count(text, '\r'), 0) << text;
  EXPECT_EQ(count(text, '\033'), 0) << text;
  EXPECT_EQ(count(text, '\n'), kSteps + 4) << text;
  EXPECT_NE(text.find("\nstep 5/5  loss 2.2500  "), std::string::npos) << text;
  EXPECT_NE(text.find("\na warning\n"), std::string::npos) << text;
  EXPECT_EQ(seen_there.err, "");
}

TEST(Progress, IsRewrittenWithoutEscapesUnderNoColor) {
  const std::string text = seen(Kind::kTerminal, false, "1").out;
  EXPECT_EQ(count(text, '\033'), 0) << text;
  EXPECT_GE(count(text, '\r'), kSteps) << text;
  EXPECT_EQ(count(text, '\n'), 2) << text;
  EXPECT_EQ(screen_of(text), (std::vector<std::string>{"found something", "a warning", ""}));
  EXPECT_EQ(screen_of(text.substr(0, text.find("evaluating") + 10)).back(), "evaluating");
  for (const std::string& row : screen_of(text)) EXPECT_LT(row.size(), kColumns);
}

TEST(Progress, IsPlainLinesOnADumbTerminal) {
  const std::string text = seen(Kind::kTerminal, false, "", "dumb").out;
  EXPECT_EQ(count(text, '\033'), 0) << text;
  EXPECT_EQ(count(text, '\r'), 0) << text;
  EXPECT_EQ(count(text, '\n'), kSteps + 4) << text;
}

TEST(Progress, QuietLeavesNotesOnStandardErrorAndNothingElse) {
  const Seen piped = seen(Kind::kPipe, true);
  EXPECT_EQ(piped.out, "");
  EXPECT_EQ(piped.err, "a warning\n");
  const Seen terminal = seen(Kind::kTerminal, true);
  EXPECT_EQ(terminal.out, "");
  EXPECT_EQ(terminal.err, "\033[33ma warning\033[0m\n");
}

TEST(Progress, NeverWrapsWhatIsRewritten) {
  const Environment one("NO_COLOR", "1"), two("TERM", "xterm");
  Captured out(STDOUT_FILENO, Kind::kTerminal);
  {
    Progress progress(kSteps, Options{});
    progress.phase(std::string(300, 'x'));
  }
  EXPECT_EQ(count(out.text(), 'x'), kColumns - 1);
}

TEST(Progress, IsOnStandardErrorWhereStandardOutputBelongsToTheResults) {
  Captured out(STDOUT_FILENO, Kind::kPipe), err(STDERR_FILENO, Kind::kPipe);
  Options options;
  options.json = "-";
  Progress(kSteps, options).phase("getting ready");
  EXPECT_EQ(out.text(), "");
  EXPECT_EQ(err.text(), "getting ready\n");
}

TEST(WantsColour, IsForTerminalsThatCanAndUsersWhoDoNotMind) {
  const auto wants = [](Kind kind, const char* no_colour, const char* terminal) {
    const Environment one("NO_COLOR", no_colour), two("TERM", terminal);
    const Captured out(STDOUT_FILENO, kind);
    return wants_colour(STDOUT_FILENO);
  };
  EXPECT_TRUE(wants(Kind::kTerminal, "", "xterm"));
  EXPECT_FALSE(wants(Kind::kTerminal, "1", "xterm"));
  EXPECT_FALSE(wants(Kind::kTerminal, "", "dumb"));
  EXPECT_FALSE(wants(Kind::kPipe, "", "xterm"));
}

// The training goes on, so --quiet must not hide it.
TEST(MetricsOutput, SaysOnceThatItsFileCannotBeWrittenEvenWhenQuiet) {
  std::optional<test::ScratchFolder> folder(std::in_place);
  Options options;
  options.quiet = true;
  options.metrics_file = (*folder / "cinch.prom").string();
  std::optional<MetricsOutput> metrics;
  std::string missing;
  try {
    metrics.emplace(options);
  } catch (const Error& error) {  // a build without metrics
    missing = error.what();
  }
  folder.reset();
  if (!missing.empty()) GTEST_SKIP() << missing;
  Captured err(STDERR_FILENO, Kind::kPipe);
  Progress progress(kSteps, options);
  metrics->after_last_step(progress);
  metrics->after_last_step(progress);
  const std::string text = err.text();
  EXPECT_TRUE(text.starts_with("metrics: ")) << text;
  EXPECT_NE(text.find("cinch.prom"), std::string::npos) << text;
  EXPECT_EQ(count(text, '\n'), 1) << text;
}

}  // namespace
}  // namespace cinch::train
