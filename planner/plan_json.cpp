// "cinch.plan/1": written by the machine, loaded by guards. Unknown keys are ignored.
#include <limits>

#include "cinch/plan.h"
#include "planner/enum_json.h"
#include "planner/file_io.h"
#include "planner/json_reader.h"
#include "planner/spec_json.h"

namespace cinch {

using nlohmann::ordered_json;
using planner::finite;
using planner::JsonNode;

std::string Plan::to_json() const {
  ordered_json out{{"schema", "cinch.plan/1"},
                   {"cinch_version", cinch_version},
                   {"torch_version", torch_version},
                   {"device", device},
                   {"fingerprint", fingerprint},
                   {"limit_bytes", limit_bytes},
                   {"predicted_peak_bytes", predicted_peak_bytes},
                   {"baseline_peak_bytes", baseline_peak_bytes},
                   {"floor_bytes", floor_bytes},
                   {"raw_bytes", raw_bytes},
                   {"charged_bytes", charged_bytes},
                   {"predicted_noise", finite(predicted_noise, "predicted_noise")},
                   {"predicted_effective_batch", finite(predicted_effective_batch, "predicted_effective_batch")},
                   {"predicted_extra_seconds", finite(predicted_extra_seconds, "predicted_extra_seconds")},
                   {"objective", planner::enum_name(objective, planner::kObjectiveNames)},
                   {"objective_value", finite(objective_value, "objective_value")},
                   {"objective_bound", finite(objective_bound, "objective_bound")},
                   {"gap", finite(gap, "gap")},
                   {"saved_per_byte", finite(saved_per_byte, "saved_per_byte")}};
  out["binding"] = ordered_json::array();
  for (const BindingInstant& b : binding) {
    out["binding"].push_back(
        ordered_json{{"instant", b.instant}, {"saved_per_byte", finite(b.saved_per_byte, "saved_per_byte")}});
  }
  out["unknown_sites"] = unknown_sites;
  out["entries"] = ordered_json::array();
  for (const PlanEntry& entry : entries) {
    out["entries"].push_back(ordered_json{{"site", entry.site},
                                          {"spec", planner::spec_to_json(entry.spec)},
                                          {"raw_bytes", entry.raw_bytes},
                                          {"charged_bytes", entry.charged_bytes},
                                          {"noise_variance", finite(entry.noise_variance, "noise_variance")},
                                          {"seconds", finite(entry.seconds, "seconds")},
                                          {"layer", entry.layer},
                                          {"op", entry.op},
                                          {"need", to_string(entry.need)}});
  }
  return planner::json_text(out);
}

Plan Plan::from_json(const std::string& text, const std::string& name) {
  constexpr double kNumbers = std::numeric_limits<double>::max();
  const nlohmann::json json = planner::parse_json(text, name);
  const JsonNode document(json, name);
  planner::require_schema(document, "cinch.plan/1");
  Plan plan;
  plan.cinch_version = document.at("cinch_version").text();
  plan.torch_version = document.at("torch_version").text();
  plan.device = document.at("device").text();
  plan.fingerprint = document.at("fingerprint").text();
  plan.limit_bytes = document.at("limit_bytes").bytes();
  plan.predicted_peak_bytes = document.at("predicted_peak_bytes").bytes();
  plan.baseline_peak_bytes = document.at("baseline_peak_bytes").bytes();
  plan.floor_bytes = document.at("floor_bytes").bytes();
  plan.raw_bytes = document.at("raw_bytes").bytes();
  plan.charged_bytes = document.at("charged_bytes").bytes();
  plan.predicted_noise = document.at("predicted_noise").number(0, kNumbers);
  plan.predicted_effective_batch = document.at("predicted_effective_batch").number(0, 1);
  plan.predicted_extra_seconds = document.at("predicted_extra_seconds").number(0, kNumbers);
  plan.objective = planner::enum_from<Objective>(document.at("objective"), planner::kObjectiveNames);
  plan.objective_value = document.at("objective_value").number(0, kNumbers);
  plan.objective_bound = document.at("objective_bound").number(0, kNumbers);
  plan.gap = document.at("gap").number(0, 1);
  plan.saved_per_byte = document.at("saved_per_byte").number(0, kNumbers);
  for (const JsonNode& node : document.at("binding").elements()) {
    plan.binding.push_back({static_cast<int32_t>(node.at("instant").integer(0, INT32_MAX)),
                            node.at("saved_per_byte").number(0, kNumbers)});
  }
  for (const JsonNode& node : document.at("unknown_sites").elements()) plan.unknown_sites.push_back(node.text());
  for (const JsonNode& node : document.at("entries").elements()) {
    PlanEntry entry;
    entry.site = node.at("site").text();
    entry.spec = planner::checked_spec_from_json(node.at("spec"));
    entry.raw_bytes = node.at("raw_bytes").bytes();
    entry.charged_bytes = node.at("charged_bytes").bytes();
    entry.noise_variance = node.at("noise_variance").number(0, kNumbers);
    entry.seconds = node.at("seconds").number(0, kNumbers);
    entry.layer = node.at("layer").text();
    entry.op = node.at("op").text();
    entry.need = planner::need_from_json(node.at("need"));
    plan.entries.push_back(std::move(entry));
  }
  return plan;
}

Plan Plan::from_json_file(const std::string& path) { return from_json(planner::read_file(path), path); }

void Plan::save(const std::string& path) const { planner::write_file_atomically(path, to_json()); }

}  // namespace cinch
