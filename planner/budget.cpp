#include "cinch/budget.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "cinch/error.h"
#include "planner/bytes_text.h"
#include "planner/rule_check.h"
#include "src/methods/methods.h"

namespace cinch {
namespace {

constexpr double kLargestBytes = 1152921504606846976.0;  // 2^60: sums of a few stay within 64 bits
constexpr double kLargestShare = 100.0;

Budget with_limit(LimitKind kind, double value) {
  Budget budget;
  budget.limit = {kind, value};
  validate(budget);
  return budget;
}

void check_limit(const Limit& limit) {
  const double v = limit.value;
  const auto require = [](bool good, const char* message) {
    if (!good) throw Error(message);
  };
  switch (limit.kind) {
    case LimitKind::kNone:
      return;
    case LimitKind::kBytes:
      return require(v >= 1 && v <= kLargestBytes, "the limit must be between 1 byte and 2^60 bytes");
    case LimitKind::kFractionOfDevice:
      return require(v > 0 && v <= 1, "the fraction of the device's memory must be above 0 and at most 1");
    case LimitKind::kFractionOfBaseline:
      return require(v > 0 && v <= kLargestShare, "the fraction of the baseline must be above 0 and at most 100");
    case LimitKind::kAboveFloor:
      return require(v >= 0 && v <= kLargestShare, "the share above the floor must be between 0 and 100");
  }
  throw Error("unknown kind of limit");
}

bool allowed_by_name(const Budget& budget, const CodecSpec& spec) {
  if (budget.allow.empty() || spec.name == "keep") return true;
  const MethodInfo* method = find_method(spec.name);
  return std::any_of(budget.allow.begin(), budget.allow.end(), [&](const std::string& name) {
    return name == spec.name || (name == "exact" && method != nullptr && method->lossless);
  });
}

void check_rule(const Budget& budget, const SiteRule& rule) {
  const std::string who = "the rule for \"" + rule.match + "\" ";
  if (rule.match.empty()) throw Error("a rule needs a glob in \"match\"");
  if (rule.codec.has_value() == rule.max_bits.has_value())
    throw Error(who + "must have exactly one of codec and max_bits");
  if (rule.max_bits && !(*rule.max_bits > 0 && *rule.max_bits <= 64))
    throw Error(who + "must have max_bits above 0 and at most 64");
  if (!rule.codec) return;
  normalise(*rule.codec);
  if (!allowed_by_name(budget, *rule.codec))
    throw Error(who + "asks for " + rule.codec->name + ", which \"allow\" leaves out");
}

}  // namespace

Budget Budget::bytes(int64_t n) { return with_limit(LimitKind::kBytes, static_cast<double>(n)); }
Budget Budget::fraction_of_device(double f) { return with_limit(LimitKind::kFractionOfDevice, f); }
Budget Budget::fraction_of_baseline(double f) { return with_limit(LimitKind::kFractionOfBaseline, f); }
Budget Budget::above_floor(double f) { return with_limit(LimitKind::kAboveFloor, f); }

Budget Budget::exact() {
  Budget budget;
  budget.allow = {"exact"};
  return budget;
}

Budget Budget::parse(const std::string& value) {
  const std::string_view text = planner::trimmed(value);
  const auto share = [&](std::string_view prefix, LimitKind kind) -> std::optional<Budget> {
    if (text.substr(0, prefix.size()) != prefix) return std::nullopt;
    const auto percent = planner::parse_percent(text.substr(prefix.size()));
    if (!percent) return std::nullopt;
    return with_limit(kind, *percent);
  };
  if (text == "exact") return exact();
  if (auto budget = share("floor+", LimitKind::kAboveFloor)) return *budget;
  if (auto budget = share("device:", LimitKind::kFractionOfDevice)) return *budget;
  if (auto budget = share("", LimitKind::kFractionOfBaseline)) return *budget;
  std::error_code ignored;
  const bool looks_like_path = text.find('/') != text.npos || text.ends_with(".json");
  if (!text.empty() && (looks_like_path || std::filesystem::exists(std::string(text), ignored)))
    return from_json_file(std::string(text));
  std::optional<int64_t> n;
  try {
    n = parse_bytes(value);
  } catch (const Error&) {
    throw Error("budget \"" + value +
                "\" is not understood: give bytes (600MiB), a share of the baseline (60%), floor+25%, "
                "device:90%, exact, or the path of a budget file");
  }
  return bytes(*n);
}

bool Budget::lossless_only() const {
  return !allow.empty() && std::all_of(allow.begin(), allow.end(), [](const std::string& name) {
    const MethodInfo* method = find_method(name);
    return name == "exact" || (method != nullptr && method->lossless);
  });
}

void validate(const Budget& budget) {
  check_limit(budget.limit);
  if (!(budget.min_effective_batch >= 0 && budget.min_effective_batch < 1))
    throw Error("min_effective_batch must be at least 0 and below 1; 0 lifts the bound");
  if (budget.max_gradient_noise && !(*budget.max_gradient_noise >= 0 && std::isfinite(*budget.max_gradient_noise)))
    throw Error("max_gradient_noise must be a finite number of at least 0");
  for (const std::string& name : budget.allow) {
    if (name != "exact" && find_method(name) == nullptr)
      throw Error("\"allow\" names the unknown method \"" + name + "\"; known: exact (every lossless one), " +
                  method_names());
  }
  for (const SiteRule& rule : budget.rules) check_rule(budget, rule);
  if (const auto pair = planner::find_contradiction(budget.rules))
    throw Error(planner::contradiction_text(budget.rules, *pair));
}

}  // namespace cinch
