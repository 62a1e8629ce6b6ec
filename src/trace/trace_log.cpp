#include "src/trace/trace_log.h"

#include <cerrno>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "cinch/error.h"

namespace cinch::trace {
namespace {

using nlohmann::ordered_json;

constexpr int kProcess = 1;
constexpr size_t kMostKept = 1 << 20;

ordered_json arguments_of(const std::string& detail, const Numbers& numbers) {
  ordered_json arguments = ordered_json::object();
  if (!detail.empty()) arguments["site"] = detail;
  for (const auto& [name, value] : numbers) arguments[name] = value;
  return arguments;
}

// Names of layers are the user's, in whatever encoding.
std::string text_of(const ordered_json& event) {
  return event.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

TraceLog::TraceLog(std::string path) : path_(std::move(path)), file_(path_, std::ios::trunc) {
  if (!file_) throw Error("cannot write the trace " + path_ + ": " + std::strerror(errno));
  file_ << "[\n";
  append(text_of({{"name", "process_name"}, {"ph", "M"}, {"pid", kProcess}, {"args", {{"name", "cinch"}}}}));
  flush();
}

TraceLog::~TraceLog() { close(); }

double TraceLog::microseconds(Clock::time_point time) const {
  return std::chrono::duration<double, std::micro>(time - start_).count();
}

int TraceLog::thread() {
  const uint64_t id = std::hash<std::thread::id>()(std::this_thread::get_id());
  return threads_.try_emplace(id, static_cast<int>(threads_.size()) + 1).first->second;
}

void TraceLog::append(const std::string& event) {
  if (closed_) return;
  if (!std::exchange(first_, false)) kept_ += ",\n";
  kept_ += event;
  if (kept_.size() > kMostKept) {  // a loop without step(); flush() says where it cannot be written
    file_ << kept_;
    kept_.clear();
  }
}

void TraceLog::span(const char* name, Clock::time_point begin, Clock::time_point end, const std::string& detail,
                    const Numbers& numbers) {
  const std::lock_guard<std::mutex> lock(mutex_);
  append(text_of({{"name", name},
                  {"ph", "X"},
                  {"pid", kProcess},
                  {"tid", thread()},
                  {"ts", microseconds(begin)},
                  {"dur", std::chrono::duration<double, std::micro>(end - begin).count()},
                  {"args", arguments_of(detail, numbers)}}));
}

void TraceLog::counters(const char* name, const Numbers& numbers) {
  const std::lock_guard<std::mutex> lock(mutex_);
  append(text_of({{"name", name},
                  {"ph", "C"},
                  {"pid", kProcess},
                  {"ts", microseconds(Clock::now())},
                  {"args", arguments_of("", numbers)}}));
}

void TraceLog::moment(const char* name, const std::string& message) {
  const std::lock_guard<std::mutex> lock(mutex_);
  append(text_of({{"name", name},
                  {"ph", "i"},
                  {"s", "p"},  // across the process
                  {"pid", kProcess},
                  {"tid", thread()},
                  {"ts", microseconds(Clock::now())},
                  {"args", {{"message", message}}}}));
}

void TraceLog::flush() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return;
  file_ << kept_ << std::flush;
  kept_.clear();
  if (!file_) throw Error("cannot write the trace " + path_ + ": " + std::strerror(errno));
}

void TraceLog::close() noexcept {
  try {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) return;
    file_ << kept_ << "\n]\n" << std::flush;
    kept_.clear();
    closed_ = true;
  } catch (const std::exception&) {
    // A trace without its end is readable all the same.
  }
}

}  // namespace cinch::trace
