#include "examples/train/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "examples/train/progress_line.h"

namespace cinch::train {
namespace {

int columns_of(int fd) {
  winsize size{};
  return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// Whether lines can be rewritten there.
bool is_screen(int fd) {
  const char* terminal = std::getenv("TERM");
  return isatty(fd) != 0 && (terminal == nullptr || std::strcmp(terminal, "dumb") != 0);
}

}  // namespace

bool wants_colour(int fd) {
  const char* no_colour = std::getenv("NO_COLOR");
  return is_screen(fd) && (no_colour == nullptr || *no_colour == '\0');
}

Progress::Progress(int64_t steps, const Options& options)
    : out_(options.json == "-" ? stderr : stdout),
      steps_(steps),
      batch_(options.batch),
      every_(std::max<int64_t>(1, steps / 20)),
      quiet_(options.quiet),
      terminal_(is_screen(fileno(out_))),
      colour_(wants_colour(fileno(out_))) {}

Progress::~Progress() {
  erase();
  std::fflush(out_);
}

void Progress::phase(const std::string& text) {
  // What is wider than the terminal would take two lines, and only the second would be rewritten.
  show(terminal_ ? text.substr(0, static_cast<size_t>(columns_of(fileno(out_)) - 1)) : text);
}

void Progress::milestone(const std::string& text) {
  if (!quiet_) note(text);
}

void Progress::note(const std::string& text) {
  FILE* const out = quiet_ ? stderr : out_;
  erase();
  std::fprintf(out, wants_colour(fileno(out)) ? "\033[33m%s\033[0m\n" : "%s\n", text.c_str());
  std::fflush(out);
}

void Progress::step(int64_t done, const StepRecord& record, int64_t limit_bytes) {
  if (!begun_) {
    begun_ = true;
    recent_seconds_ = record.seconds;
    begin_ = std::chrono::steady_clock::now() - std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                                    std::chrono::duration<double>(record.seconds));
  }
  recent_seconds_ += 0.1 * (record.seconds - recent_seconds_);
  if (terminal_ || done % every_ == 0 || done == 1 || done == steps_) show(line(done, record, limit_bytes));
}

std::string Progress::line(int64_t done, const StepRecord& record, int64_t limit_bytes) const {
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  const ProgressValues values{done,
                              steps_,
                              record.loss,
                              static_cast<double>(batch_) / recent_seconds_,
                              elapsed / static_cast<double>(done) * static_cast<double>(steps_ - done),
                              record.peak_bytes,
                              limit_bytes};
  // The last column stays free: a terminal may wrap where it is written to.
  return terminal_ ? terminal_line(values, columns_of(fileno(out_)) - 1, colour_) : plain_line(values);
}

void Progress::show(const std::string& line) {
  if (quiet_) return;
  erase();
  std::fprintf(out_, terminal_ ? "%s" : "%s\n", line.c_str());
  std::fflush(out_);
  if (terminal_) shown_ = line.size();
}

// By blanks where no escapes are wanted; then the line has none either, and its length is its width.
void Progress::erase() {
  if (shown_ == 0) return;
  const int blanks = std::min(static_cast<int>(shown_), columns_of(fileno(out_)) - 1);
  if (colour_)
    std::fputs("\r\033[K", out_);
  else
    std::fprintf(out_, "\r%*s\r", blanks, "");
  shown_ = 0;
}

}  // namespace cinch::train
