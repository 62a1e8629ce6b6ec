#include "examples/train/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cinch/budget.h"

namespace cinch::train {
namespace {

std::string clock_text(double seconds) {
  const auto total = static_cast<int64_t>(std::clamp(seconds, 0.0, 3.6e8) + 0.5);
  char text[48];
  if (total >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", static_cast<long long>(total / 3600),
                  static_cast<long long>(total / 60 % 60), static_cast<long long>(total % 60));
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", static_cast<long long>(total / 60),
                  static_cast<long long>(total % 60));
  }
  return text;
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
  const double left = elapsed / static_cast<double>(done) * static_cast<double>(steps_ - done);
  char text[160];
  std::snprintf(text, sizeof text, "step %lld/%lld  loss %.4f  %.0f items/s  ETA %s  ", static_cast<long long>(done),
                static_cast<long long>(steps_), record.loss, static_cast<double>(batch_) / recent_seconds_,
                clock_text(left).c_str());
  std::string bytes = format_bytes(record.peak_bytes);
  if (limit_bytes > 0) {
    if (colour_) bytes = (record.peak_bytes <= limit_bytes ? "\033[32m" : "\033[31m") + bytes + "\033[0m";
    bytes += " of " + format_bytes(limit_bytes);
  }
  return text + bytes;
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
