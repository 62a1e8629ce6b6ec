/// The user's wish: how many bytes, what to optimise, what must not happen. Plain data, no torch.
/// A budget is checked when it is used (make_plan, BudgetGuard); from_json_file checks while reading.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cinch/codec_spec.h"

namespace cinch {

/// Which plan is the best of those that keep the limit and the noise bounds.
enum class Objective : uint8_t {
  kLeastNoise,  ///< least predicted gradient noise; without a limit: the smallest lossless forms
  kLeastTime,   ///< fewest seconds of coding
  kLeastBytes,  ///< smallest sum of payload bytes, however much room the limit leaves
};

/// What to do when an allocation would pass the limit. Until there is a plan payloads are coded further first in any
/// case, since a limit could not hold otherwise.
enum class OnOverrun : uint8_t {
  kReclaim,  ///< code payloads further, within the noise bounds; OutOfBudget where that does not suffice
  kThrow,    ///< OutOfBudget at once
  kWarn,     ///< grant it, pass the limit, and say so (Event)
};

/// How the limit is given. Relative kinds are resolved to bytes from the first profile.
enum class LimitKind : uint8_t {
  kNone,                ///< no limit: lossless codecs only save bytes
  kBytes,               ///< value = bytes, 1 to 2^60
  kFractionOfDevice,    ///< value in (0, 1]: share of the device's memory (CPU: physical memory)
  kFractionOfBaseline,  ///< value in (0, 100]: share of the baseline peak
  kAboveFloor,          ///< value in [0, 100]: floor + value * (baseline - floor)
};

struct Limit {
  LimitKind kind = LimitKind::kNone;
  double value = 0.0;
  bool operator==(const Limit&) const = default;
};

/// Codec rule for the sites whose name matches a glob ('*' any run of characters, '?' one). The last match wins.
/// Exactly one of `codec` and `max_bits` is set; two rules of one glob must not ask for different things.
struct SiteRule {
  std::string match;               ///< not empty
  std::optional<CodecSpec> codec;  ///< exactly this codec ("keep": never touched)
  std::optional<double> max_bits;  ///< in (0, 64]: at most so many bits per value; lossless options still allowed
  bool operator==(const SiteRule&) const = default;
};

struct Budget {
  Limit limit;
  Objective objective = Objective::kLeastNoise;
  /// Lower bound of V / (V + C), in [0, 1); 0 lifts it. Binds planner and reclaimer.
  double min_effective_batch = 0.95;
  /// Upper bound of the predicted relative RMS error of the parameter gradient, >= 0; absent: no bound of its own.
  std::optional<double> max_gradient_noise;
  OnOverrun on_overrun = OnOverrun::kReclaim;
  /// Names of methods that may be used; empty: all. {"exact"} stands for every lossless method.
  std::vector<std::string> allow;
  std::vector<SiteRule> rules;

  bool operator==(const Budget&) const = default;

  // These four set a limit and leave the rest as it is above. They throw Error outside of LimitKind's ranges.
  static Budget bytes(int64_t n);
  static Budget fraction_of_device(double f);
  static Budget fraction_of_baseline(double f);
  /// floor + f * (baseline - floor)
  static Budget above_floor(double f);
  /// Lossless only, no limit.
  static Budget exact();
  /// Reads a "cinch.budget/1" document. Throws JsonError (file, JSON pointer, what was expected), also for a file that
  /// cannot be read and for values out of range.
  static Budget from_json_file(const std::string& path);
  /// The same for text; `name` stands for the file in errors.
  static Budget from_json(const std::string& text, const std::string& name = "<text>");
  /// A value as given to --budget: "600MiB", "60%", "floor+25%", "device:90%", "exact", or the path of a budget file.
  /// Throws Error with what is allowed, JsonError for the file.
  static Budget parse(const std::string& value);

  /// The document. Throws like validate.
  std::string to_json() const;
  /// Whether lossy methods are allowed at all.
  bool lossless_only() const;
};

/// Throws Error, one sentence, if a field is out of its range (bytes <= 0, fraction of device > 1, unknown method ...),
/// or a rule contradicts `allow` or another rule; CodecError, which is one, if a rule's spec names no method or a wrong
/// parameter.
void validate(const Budget& budget);

/// "8GiB", "600 MB", "123" -> bytes, rounded to whole ones. Throws Error for what is no such text, below 0, or 9.2e18
/// and more.
int64_t parse_bytes(const std::string& text);
/// 1536 -> "1.5 KiB": units of 1024, at most one decimal.
std::string format_bytes(int64_t bytes);
/// '*' and '?' over the whole of `text`.
bool glob_match(const std::string& pattern, const std::string& text);

}  // namespace cinch
