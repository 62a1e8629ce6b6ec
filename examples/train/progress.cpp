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

}  // namespace

bool wants_colour(int fd) {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return isatty(fd) != 0 && (no_colour == nullptr || *no_colour == '\0') &&
         (terminal == nullptr || std::strcmp(terminal, "dumb") != 0);
}

Progress::Progress(int64_t steps, const Options& options)
    : out_(options.json == "-" ? stderr : stdout),
      steps_(steps),
      batch_(options.batch),
      every_(std::max<int64_t>(1, steps / 20)),
      quiet_(options.quiet),
      terminal_(isatty(fileno(out_)) != 0),
      colour_(wants_colour(fileno(out_))) {}

Progress::~Progress() {
  if (open_) std::fputs("\r\033[K", out_);
  std::fflush(out_);
}

void Progress::phase(const std::string& text) { show(text, false); }

void Progress::note(const std::string& text) { show(colour_ ? "\033[33m" + text + "\033[0m" : text, true); }

void Progress::step(int64_t done, const StepRecord& record, int64_t limit_bytes) {
  if (!begun_) {
    begun_ = true;
    recent_seconds_ = record.seconds;
    begin_ = std::chrono::steady_clock::now() - std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                                    std::chrono::duration<double>(record.seconds));
  }
  recent_seconds_ += 0.1 * (record.seconds - recent_seconds_);
  if (terminal_ || done % every_ == 0 || done == 1 || done == steps_) show(line(done, record, limit_bytes), false);
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

void Progress::show(const std::string& line, bool keep) {
  if (quiet_) return;
  if (!terminal_) {
    std::fprintf(out_, "%s\n", line.c_str());
    std::fflush(out_);
    return;
  }
  std::fprintf(out_, "\r\033[K%s%s", line.c_str(), keep ? "\n" : "");
  std::fflush(out_);
  open_ = !keep;
}

}  // namespace cinch::train
