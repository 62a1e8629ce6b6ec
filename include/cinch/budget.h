/// The user's wish: how many bytes, what to optimise, what must not happen. Plain data, no torch.
/// A budget is checked when it is used (make_plan, BudgetGuard); from_json_file checks while reading.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cinch/codec_spec.h"

namespace cinch {

enum class Objective : uint8_t { kLeastNoise, kLeastTime, kLeastBytes };
/// What to do when an allocation would pass the limit: code payloads further (default), throw, or only warn. Until
/// there is a plan payloads are coded further in any case, since a limit could not hold otherwise.
enum class OnOverrun : uint8_t { kReclaim, kThrow, kWarn };

/// How the limit is given. Relative kinds are resolved to bytes from the first profile.
enum class LimitKind : uint8_t {
  kNone,                ///< no limit: lossless codecs only save bytes
  kBytes,               ///< value = bytes
  kFractionOfDevice,    ///< value in (0, 1]: share of the device's memory (CPU: physical memory)
  kFractionOfBaseline,  ///< value > 0: share of the baseline peak
  kAboveFloor,          ///< value >= 0: floor + value * (baseline - floor)
};

struct Limit {
  LimitKind kind = LimitKind::kNone;
  double value = 0.0;
  bool operator==(const Limit&) const = default;
};

/// Codec rule for the sites whose name matches a glob ('*' any run of characters, '?' one). The last match wins.
struct SiteRule {
  std::string match;
  std::optional<CodecSpec> codec;  ///< exactly this codec ("keep": never touched)
  std::optional<double> max_bits;  ///< at most this many bits per value; lossless options still allowed
  bool operator==(const SiteRule&) const = default;
};

struct Budget {
  Limit limit;
  Objective objective = Objective::kLeastNoise;
  /// Lower bound of V / (V + C); 0 lifts it. Binds planner and reclaimer.
  double min_effective_batch = 0.95;
  /// Upper bound of the predicted relative RMS error of the parameter gradient; absent: no bound of its own.
  std::optional<double> max_gradient_noise;
  OnOverrun on_overrun = OnOverrun::kReclaim;
  /// Names of methods that may be used; empty: all. {"exact"} stands for every lossless method.
  std::vector<std::string> allow;
  std::vector<SiteRule> rules;

  bool operator==(const Budget&) const = default;

  static Budget bytes(int64_t n);
  static Budget fraction_of_device(double f);
  static Budget fraction_of_baseline(double f);
  /// floor + f * (baseline - floor)
  static Budget above_floor(double f);
  /// Lossless only, no limit.
  static Budget exact();
  /// Reads a "cinch.budget/1" document. Throws JsonError (file, JSON pointer, what was expected).
  static Budget from_json_file(const std::string& path);
  /// The same for text; `name` stands for the file in errors.
  static Budget from_json(const std::string& text, const std::string& name = "<text>");
  /// A value as given to --budget: "600MiB", "60%", "floor+25%", "device:90%", "exact", or the path of a budget file.
  /// Throws Error with what is allowed.
  static Budget parse(const std::string& value);

  std::string to_json() const;
  /// Whether lossy methods are allowed at all.
  bool lossless_only() const;
};

/// Throws Error, one sentence, if a field is out of its range (bytes <= 0, fraction of device > 1, unknown method ...).
void validate(const Budget& budget);

/// "8GiB", "600 MB", "123" -> bytes. Throws Error.
int64_t parse_bytes(const std::string& text);
/// 1536 -> "1.5 KiB".
std::string format_bytes(int64_t bytes);
/// '*' and '?' over the whole of `text`.
bool glob_match(const std::string& pattern, const std::string& text);

}  // namespace cinch
