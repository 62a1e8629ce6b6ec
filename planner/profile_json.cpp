// "cinch.profile/1": written by the machine. Unknown keys are ignored; what is missing or cannot be is an error.
#include <algorithm>
#include <limits>

#include "cinch/profile.h"
#include "planner/file_io.h"
#include "planner/json_reader.h"
#include "planner/profile_check.h"
#include "planner/spec_json.h"

namespace cinch {
namespace {

using nlohmann::ordered_json;
using planner::any_number_json;
using planner::finite;
using planner::JsonNode;

constexpr int64_t kIndexes = std::numeric_limits<int32_t>::max();
constexpr int64_t kIntegers = std::numeric_limits<int64_t>::max();
constexpr double kNumbers = std::numeric_limits<double>::max();

int32_t index_from(const JsonNode& node) { return static_cast<int32_t>(node.integer(-1, kIndexes)); }

template <typename Parse>
auto name_from(const JsonNode& node, Parse parse) {
  try {
    return parse(node.text());
  } catch (const JsonError&) {
    throw;
  } catch (const Error& error) {
    node.fail_with(error.what());
  }
}

ordered_json site_to_json(const SiteProfile& site) {
  ordered_json out{{"name", site.name}, {"layer", site.layer},           {"op", site.op},
                   {"slot", site.slot}, {"occurrence", site.occurrence}, {"need", to_string(site.need)}};
  if (site.predicate != Predicate{}) {
    out["predicate"] = {{"kind", to_string(site.predicate.kind)},
                        {"lo", any_number_json(site.predicate.lo)},
                        {"hi", any_number_json(site.predicate.hi)},
                        {"nan_on", site.predicate.nan_on}};
  }
  out["sizes"] = site.sizes;
  out["payload"] = site.payload;
  if (site.sensitivity != 0) out["sensitivity"] = finite(site.sensitivity, "sensitivity");
  if (site.replays != 0) out["replays"] = site.replays;
  if (site.prior_sensitivity != 0) out["prior_sensitivity"] = finite(site.prior_sensitivity, "prior_sensitivity");
  if (site.replayed_error != 0) out["replayed_error"] = finite(site.replayed_error, "replayed_error");
  if (!site.unplayed.empty()) out["unplayed"] = site.unplayed;
  return out;
}

SiteProfile site_from_json(const JsonNode& node) {
  SiteProfile site;
  site.name = node.at("name").text();
  site.layer = node.at("layer").text();
  site.op = node.at("op").text();
  site.slot = node.at("slot").text();
  site.occurrence = node.at("occurrence").integer(0, kIntegers);
  site.need = planner::need_from_json(node.at("need"));
  if (auto predicate = node.find("predicate")) {
    site.predicate.kind =
        name_from(predicate->at("kind"), [](const std::string& name) { return predicate_from_string(name); });
    site.predicate.lo = predicate->at("lo").any_number();
    site.predicate.hi = predicate->at("hi").any_number();
    site.predicate.nan_on = predicate->at("nan_on").boolean();
  }
  for (const JsonNode& size : node.at("sizes").elements()) site.sizes.push_back(size.integer(0, kIntegers));
  site.payload = index_from(node.at("payload"));
  if (auto sensitivity = node.find("sensitivity")) site.sensitivity = sensitivity->number(0, kNumbers);
  if (auto replays = node.find("replays")) site.replays = replays->integer(0, kIntegers);
  if (auto prior = node.find("prior_sensitivity")) site.prior_sensitivity = prior->number(0, kNumbers);
  if (auto error = node.find("replayed_error")) site.replayed_error = error->number(0, kNumbers);
  if (auto unplayed = node.find("unplayed")) site.unplayed = unplayed->text();
  return site;
}

ordered_json option_to_json(const Option& option) {
  ordered_json out{{"spec", planner::spec_to_json(option.spec)},
                   {"charged_bytes", option.charged_bytes},
                   {"noise_variance", finite(option.noise_variance, "noise_variance")},
                   {"seconds", finite(option.seconds, "seconds")},
                   {"lossless", option.lossless}};
  if (option.relative_error != 0) out["relative_error"] = finite(option.relative_error, "relative_error");
  return out;
}

Option option_from_json(const JsonNode& node) {
  Option option;
  option.spec = planner::spec_from_json(node.at("spec"));
  option.charged_bytes = node.at("charged_bytes").bytes();
  option.noise_variance = node.at("noise_variance").number(0, kNumbers);
  option.seconds = node.at("seconds").number(0, kNumbers);
  option.lossless = node.at("lossless").boolean();
  if (auto error = node.find("relative_error")) option.relative_error = error->number(0, kNumbers);
  return option;
}

ordered_json stats_to_json(const TensorStats& stats) {
  ordered_json out{{"sampled", stats.sampled},
                   {"mean", any_number_json(stats.mean)},
                   {"variance", any_number_json(stats.variance)},
                   {"min", any_number_json(stats.min)},
                   {"max", any_number_json(stats.max)},
                   {"zero_fraction", any_number_json(stats.zero_fraction)},
                   {"mean_square_group_range", any_number_json(stats.mean_square_group_range)}};
  // Where all are equal, the mean says it.
  const auto& squares = stats.square_group_ranges;
  if (!std::ranges::all_of(squares, [&](double square) { return square == stats.mean_square_group_range; })) {
    auto& ranges = out["square_group_ranges"] = ordered_json::array();
    for (const double square : squares) ranges.push_back(any_number_json(square));
  }
  out["finite"] = stats.finite;
  return out;
}

TensorStats stats_from_json(const JsonNode& node) {
  TensorStats stats;
  stats.sampled = node.at("sampled").integer(0, kIntegers);
  stats.mean = node.at("mean").any_number();
  stats.variance = node.at("variance").any_number();
  stats.min = node.at("min").any_number();
  stats.max = node.at("max").any_number();
  stats.zero_fraction = node.at("zero_fraction").any_number();
  stats.mean_square_group_range = node.at("mean_square_group_range").any_number();
  stats.square_group_ranges.fill(stats.mean_square_group_range);  // unless it says otherwise
  if (const auto ranges = node.find("square_group_ranges")) {
    const std::vector<JsonNode> squares = ranges->elements();
    if (squares.size() != stats.square_group_ranges.size())
      ranges->fail(std::to_string(stats.square_group_ranges.size()) + " numbers");
    std::ranges::transform(squares, stats.square_group_ranges.begin(), &JsonNode::any_number);
  }
  stats.finite = node.at("finite").boolean();
  return stats;
}

ordered_json payload_to_json(const PayloadProfile& payload) {
  ordered_json out{{"sites", payload.sites},       {"dtype", to_string(payload.dtype)},
                   {"numel", payload.numel},       {"raw_bytes", payload.raw_bytes},
                   {"saved_at", payload.saved_at}, {"exclusive_at", payload.exclusive_at},
                   {"freed_at", payload.freed_at}};
  out["uses"] = ordered_json::array();
  for (const Use& use : payload.uses) out["uses"].push_back(ordered_json{{"begin", use.begin}, {"end", use.end}});
  out["stats"] = stats_to_json(payload.stats);
  out["options"] = ordered_json::array();
  for (const Option& option : payload.options) out["options"].push_back(option_to_json(option));
  return out;
}

PayloadProfile payload_from_json(const JsonNode& node) {
  PayloadProfile payload;
  for (const JsonNode& site : node.at("sites").elements()) payload.sites.push_back(index_from(site));
  payload.dtype = dtype_from_string(node.at("dtype").text());
  payload.numel = node.at("numel").integer(0, kIntegers);
  payload.raw_bytes = node.at("raw_bytes").bytes();
  payload.saved_at = index_from(node.at("saved_at"));
  payload.exclusive_at = index_from(node.at("exclusive_at"));
  payload.freed_at = index_from(node.at("freed_at"));
  for (const JsonNode& use : node.at("uses").elements())
    payload.uses.push_back({index_from(use.at("begin")), index_from(use.at("end"))});
  payload.stats = stats_from_json(node.at("stats"));
  for (const JsonNode& option : node.at("options").elements()) payload.options.push_back(option_from_json(option));
  return payload;
}

}  // namespace

std::string Profile::to_json() const {
  ordered_json out{{"schema", "cinch.profile/1"},
                   {"cinch_version", cinch_version},
                   {"torch_version", torch_version},
                   {"device", device},
                   {"fingerprint", fingerprint},
                   {"parameters_bytes", parameters_bytes},
                   {"gradients_bytes", gradients_bytes},
                   {"optimizer_bytes", optimizer_bytes},
                   {"step_seconds", finite(step_seconds, "step_seconds")},
                   {"device_bytes", device_bytes},
                   {"reserve_bytes", reserve_bytes},
                   {"gradient_variance", finite(gradient_variance, "gradient_variance")}};
  if (gradient_pairs > 0) out["gradient_pairs"] = gradient_pairs;
  if (batch > 0) out["batch"] = batch;
  for (const char* list : {"sites", "payloads", "timeline"}) out[list] = ordered_json::array();
  for (const SiteProfile& site : sites) out["sites"].push_back(site_to_json(site));
  for (const PayloadProfile& payload : payloads) out["payloads"].push_back(payload_to_json(payload));
  for (const Instant& instant : timeline) out["timeline"].push_back(instant.bytes);
  if (std::ranges::any_of(timeline, [](const Instant& instant) { return instant.gradients_bytes != 0; })) {
    auto& gradients = out["timeline_gradients"] = ordered_json::array();
    for (const Instant& instant : timeline) gradients.push_back(instant.gradients_bytes);
  }
  return planner::json_text(out);
}

Profile Profile::from_json(const std::string& text, const std::string& name) {
  const nlohmann::json json = planner::parse_json(text, name);
  const JsonNode document(json, name);
  planner::require_schema(document, "cinch.profile/1");
  Profile profile;
  profile.cinch_version = document.at("cinch_version").text();
  profile.torch_version = document.at("torch_version").text();
  profile.device = document.at("device").text();
  profile.fingerprint = document.at("fingerprint").text();
  profile.parameters_bytes = document.at("parameters_bytes").bytes();
  profile.gradients_bytes = document.at("gradients_bytes").bytes();
  profile.optimizer_bytes = document.at("optimizer_bytes").bytes();
  profile.step_seconds = document.at("step_seconds").number(0, kNumbers);
  profile.device_bytes = document.at("device_bytes").bytes();
  profile.reserve_bytes = document.at("reserve_bytes").bytes();
  profile.gradient_variance = document.at("gradient_variance").number(0, kNumbers);
  if (auto pairs = document.find("gradient_pairs")) profile.gradient_pairs = pairs->integer(0, kIntegers);
  if (const auto batch = document.find("batch")) profile.batch = batch->integer(0, kIndexes);
  for (const JsonNode& node : document.at("sites").elements()) profile.sites.push_back(site_from_json(node));
  for (const JsonNode& node : document.at("payloads").elements()) profile.payloads.push_back(payload_from_json(node));
  for (const JsonNode& node : document.at("timeline").elements()) profile.timeline.emplace_back().bytes = node.bytes();
  if (const auto node = document.find("timeline_gradients")) {
    const std::vector<JsonNode> gradients = node->elements();
    if (gradients.size() != profile.timeline.size())
      node->fail("as many numbers as in /timeline, " + std::to_string(profile.timeline.size()));
    for (size_t i = 0; i < gradients.size(); ++i) profile.timeline[i].gradients_bytes = gradients[i].bytes();
  }
  if (auto defect = planner::find_defect(profile)) throw JsonError(name, defect->pointer, defect->expected);
  return profile;
}

Profile Profile::from_json_file(const std::string& path) { return from_json(planner::read_file(path), path); }

void Profile::save(const std::string& path) const { planner::write_file_atomically(path, to_json()); }

}  // namespace cinch
