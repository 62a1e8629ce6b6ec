#include "bench/codec_promises.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

namespace cinch::bench {
namespace {

constexpr size_t kWorst = 12;

struct Miss {
  double how_far;
  std::string text;
};

std::string name_of(const nlohmann::json& row) {
  std::string name;
  for (const auto& [key, value] : row["codec"].items()) {
    if (key == "name") continue;
    name += (name.empty() ? "" : ", ") + key + " " + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  return row["codec"]["name"].get<std::string>() + " (" + name + ") on " + row["model"].get<std::string>() + ", " +
         row["source"].get<std::string>() + ", " + row["dtype"].get<std::string>();
}

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", x);
  return text;
}

// How far above or below 1, as a factor.
double away(double ratio) { return ratio > 0 ? std::max(ratio, 1 / ratio) : HUGE_VAL; }

class Promise {
 public:
  explicit Promise(std::string what) : what_(std::move(what)) {}
  // `first`: nothing with these bytes was added before.
  void add(bool kept, bool first, double how_far, const std::string& text) {
    if (!first) return;
    ++rows_;
    if (!kept) misses_.push_back({how_far, text});
  }
  // One line for all, then one for each of the worst.
  void report(std::vector<std::string>& lines) {
    if (misses_.empty()) return;
    std::ranges::sort(misses_, [](const Miss& a, const Miss& b) { return a.how_far > b.how_far; });
    lines.push_back(what_ + ": " + std::to_string(misses_.size()) + " of " + std::to_string(rows_) +
                    " do not keep it; the worst:");
    for (size_t i = 0; i < std::min(kWorst, misses_.size()); ++i) lines.push_back("  " + misses_[i].text);
  }

 private:
  std::string what_;
  int64_t rows_ = 0;
  std::vector<Miss> misses_;
};

}  // namespace

void check_promises(bool quick, SuiteResult& result) {
  Promise entropy("coded bytes are at most 1.03 of the entropy, of 1 MiB and more"),
      bytes("estimated bytes are within 10 %"), errors("estimated mean square errors are within 15 %");
  std::set<std::string> seen;
  for (nlohmann::json& row : result.rows) {
    if (!row.contains("estimate_bytes_ratio")) continue;
    const std::string name = name_of(row);
    const bool first = seen.insert(name).second;
    if (row.contains("coded_of_entropy") && row["raw_bytes"] >= kEntropyFromBytes) {
      const double ratio = row["coded_of_entropy"];
      row["entropy_promise_kept"] = ratio <= kMostOfEntropy;
      entropy.add(ratio <= kMostOfEntropy, first, ratio, number(ratio) + " of the entropy: " + name);
    }
    const double of_bytes = row["estimate_bytes_ratio"], of_error = row.value("estimate_error_ratio", 1.0);
    const bool bytes_kept = std::abs(of_bytes - 1) <= kEstimateBytesWithin,
               error_kept = std::abs(of_error - 1) <= kEstimateErrorWithin;
    row["estimate_promise_kept"] = bytes_kept && error_kept;
    bytes.add(bytes_kept, first, away(of_bytes), "estimated " + number(of_bytes) + " of the bytes: " + name);
    errors.add(error_kept, first, away(of_error), "estimated " + number(of_error) + " of the error: " + name);
  }
  for (Promise* promise : {&entropy, &bytes, &errors}) promise->report(quick ? result.notes : result.failures);
}

}  // namespace cinch::bench
