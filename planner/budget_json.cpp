// "cinch.budget/1": written by people, so that every unknown key and wrong type is an error with its place.
#include <array>
#include <limits>

#include "cinch/budget.h"
#include "planner/enum_json.h"
#include "planner/file_io.h"
#include "planner/json_reader.h"
#include "planner/rule_check.h"
#include "planner/spec_json.h"

namespace cinch {
namespace {

using nlohmann::ordered_json;
using planner::enum_from;
using planner::JsonNode;

constexpr double kAnything = std::numeric_limits<double>::max();
constexpr std::array<const char*, 3> kOverruns{"reclaim", "throw", "warn"};

// What validate() says of a part belongs to that part's place.
void checked(const Budget& part, const JsonNode& place) {
  try {
    validate(part);
  } catch (const JsonError&) {
    throw;
  } catch (const Error& error) {
    place.fail_with(error.what());
  }
}

Limit limit_from(const JsonNode& node) {
  Limit limit;
  if (node.is_string()) {
    try {
      limit = {LimitKind::kBytes, static_cast<double>(parse_bytes(node.text()))};
    } catch (const Error& error) {
      node.fail_with(error.what());
    }
  } else if (node.is_number()) {
    limit = {LimitKind::kBytes, static_cast<double>(node.bytes())};
  } else if (node.is_object()) {
    node.allow_only({"fraction_of_device", "fraction_of_baseline", "above_floor"});
    if (node.raw().size() != 1) node.fail("exactly one of fraction_of_device, fraction_of_baseline and above_floor");
    if (auto f = node.find("fraction_of_device")) limit = {LimitKind::kFractionOfDevice, f->number(0, 1)};
    if (auto f = node.find("fraction_of_baseline")) limit = {LimitKind::kFractionOfBaseline, f->number(0, kAnything)};
    if (auto f = node.find("above_floor")) limit = {LimitKind::kAboveFloor, f->number(0, kAnything)};
  } else {
    node.fail(
        "bytes, a text such as \"8GiB\", or an object with one of fraction_of_device, fraction_of_baseline, "
        "above_floor");
  }
  Budget part;
  part.limit = limit;
  checked(part, node);
  return limit;
}

SiteRule rule_from(const JsonNode& node, const Budget& budget) {
  node.allow_only({"match", "codec", "max_bits"});
  SiteRule rule;
  rule.match = node.at("match").text();
  if (auto codec = node.find("codec")) rule.codec = planner::checked_spec_from_json(*codec);
  if (auto bits = node.find("max_bits")) rule.max_bits = bits->number(0, 64);
  Budget part;
  part.allow = budget.allow;
  part.rules = {rule};
  checked(part, node);
  return rule;
}

ordered_json limit_to_json(const Limit& limit) {
  const double value = planner::finite(limit.value, "limit");
  switch (limit.kind) {
    case LimitKind::kFractionOfDevice:
      return {{"fraction_of_device", value}};
    case LimitKind::kFractionOfBaseline:
      return {{"fraction_of_baseline", value}};
    case LimitKind::kAboveFloor:
      return {{"above_floor", value}};
    default:
      return static_cast<int64_t>(value);
  }
}

}  // namespace

Budget Budget::from_json_file(const std::string& path) { return from_json(planner::read_file(path), path); }

Budget Budget::from_json(const std::string& text, const std::string& name) {
  const nlohmann::json json = planner::parse_json(text, name);
  const JsonNode document(json, name);
  planner::require_schema(document, "cinch.budget/1");
  document.allow_only(
      {"schema", "limit", "objective", "min_effective_batch", "max_gradient_noise", "on_overrun", "allow", "sites"});

  Budget budget;
  if (auto node = document.find("limit")) budget.limit = limit_from(*node);
  if (auto node = document.find("objective")) budget.objective = enum_from<Objective>(*node, planner::kObjectiveNames);
  if (auto node = document.find("on_overrun")) budget.on_overrun = enum_from<OnOverrun>(*node, kOverruns);
  if (auto node = document.find("min_effective_batch")) {
    budget.min_effective_batch = node->number(0, 1);
    checked(budget, *node);
  }
  if (auto node = document.find("max_gradient_noise")) budget.max_gradient_noise = node->number(0, kAnything);
  if (auto node = document.find("allow")) {
    for (const JsonNode& element : node->elements()) {
      budget.allow.push_back(element.text());
      checked(budget, element);
    }
    if (budget.allow.empty()) node->fail("at least one method, or no \"allow\" at all");
  }
  if (auto node = document.find("sites")) {
    for (const JsonNode& element : node->elements()) budget.rules.push_back(rule_from(element, budget));
    if (const auto pair = planner::find_contradiction(budget.rules))
      node->elements()[pair->later].fail_with(planner::contradiction_text(budget.rules, *pair));
  }
  return budget;
}

std::string Budget::to_json() const {
  validate(*this);
  ordered_json out;
  out["schema"] = "cinch.budget/1";
  if (limit.kind != LimitKind::kNone) out["limit"] = limit_to_json(limit);
  out["objective"] = planner::enum_name(objective, planner::kObjectiveNames);
  out["min_effective_batch"] = min_effective_batch;
  if (max_gradient_noise) out["max_gradient_noise"] = *max_gradient_noise;
  out["on_overrun"] = kOverruns.at(static_cast<size_t>(on_overrun));
  if (!allow.empty()) out["allow"] = allow;
  for (const SiteRule& rule : rules) {
    ordered_json site{{"match", rule.match}};
    if (rule.codec) site["codec"] = planner::spec_to_json(*rule.codec);
    if (rule.max_bits) site["max_bits"] = *rule.max_bits;
    out["sites"].push_back(std::move(site));
  }
  return planner::json_text(out);
}

}  // namespace cinch
