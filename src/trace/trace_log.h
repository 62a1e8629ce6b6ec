// A file in Chrome's trace format (an array of events; opens in Perfetto and chrome://tracing): spans of time on the
// thread that spent them, counters, and moments.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cinch::trace {

using Clock = std::chrono::steady_clock;
using Numbers = std::vector<std::pair<const char*, int64_t>>;

// Thread-safe. Events are kept until flush(), a mebibyte of them at most; what is in the file is readable at any time,
// also when the process ends without close().
class TraceLog {
 public:
  // Makes the file, in place of one that is there. Throws Error where it cannot.
  explicit TraceLog(std::string path);
  ~TraceLog();
  TraceLog(const TraceLog&) = delete;
  TraceLog& operator=(const TraceLog&) = delete;

  // A span on this thread. `detail`, if not empty, is shown as "site".
  void span(const char* name, Clock::time_point begin, Clock::time_point end, const std::string& detail,
            const Numbers& numbers);
  // Values from now on.
  void counters(const char* name, const Numbers& numbers);
  // A moment, with a sentence.
  void moment(const char* name, const std::string& message);

  // Throws Error when the file cannot be written any more.
  void flush();
  // Completes the file; what is told later is left out. Never throws.
  void close() noexcept;

 private:
  double microseconds(Clock::time_point time) const;
  int thread();                           // mutex held
  void append(const std::string& event);  // mutex held

  const std::string path_;
  const Clock::time_point start_ = Clock::now();
  std::mutex mutex_;
  std::ofstream file_;
  std::string kept_;
  bool first_ = true, closed_ = false;
  std::unordered_map<uint64_t, int> threads_;
};

}  // namespace cinch::trace
