#include "hooks/observe/evaluate.h"

#include <algorithm>
#include <array>
#include <utility>

#include "hooks/store/store.h"
#include "planner/noise_prior.h"
#include "src/methods/methods.h"

namespace cinch::hooks {
namespace {

double second_moment(const TensorStats& stats) { return stats.variance + stats.mean * stats.mean; }

double relative(double mean_square_error, const TensorStats& stats) {
  const double moment = second_moment(stats);
  return moment > 0 ? mean_square_error / moment : 0.0;
}

planner::Reach reach_for_prior(const Want& want) {
  if (want.op_class == OpClass::kSoftmax) return planner::Reach::kUpstream;
  switch (want.reach) {
    case Reach::kWeightGrad:
      return planner::Reach::kWeightGrad;
    case Reach::kInputGrad:
      return planner::Reach::kInputGrad;
    case Reach::kUpstream:
      return planner::Reach::kUpstream;
    default:
      return want.op_class == OpClass::kNormalisation ? planner::Reach::kNormalisation : planner::Reach::kBoth;
  }
}

}  // namespace

void Prices::fill(SiteProfile& site, const Want& want, const std::string& name) const {
  site.need = want.need;
  if (!is_value(want.need)) return;
  site.prior_sensitivity =
      planner::sensitivity_prior({want.need, reach_for_prior(want), std::max<int64_t>(1, weight_payloads)});
  site.sensitivity = site.prior_sensitivity;
  const MeasuredSensitivity* const found = measured ? measured->find(name) : nullptr;
  if (found == nullptr) return;
  site.unplayed = found->unplayed;
  if (found->replays == 0) return;
  site.sensitivity = found->sensitivity;
  site.replays = found->replays;
  site.replayed_error = found->error;
}

double price(const Payload& payload, const TensorStats& stats, const Codec& codec, const Prices& prices) {
  const Estimate estimate = codec.estimate(stats, payload.span.numel, payload.dtype(), SideInfo{});
  const double error = relative(estimate.mean_square_error * estimate.error_correlation, stats);
  double variance = 0;
  for (const Want& want : payload.wants)
    if (is_value(want.need)) {
      SiteProfile site;
      prices.fill(site, want, payload.store->site_name(want.site));
      variance += planner::noise_of(site, error);
    }
  return variance;
}

namespace {

// Host memory is for values: where a lossless form takes a quarter or less, the copies would buy little more.
bool worth_offloading(const Payload& payload, const std::vector<Candidate>& others, int64_t raw_bytes) {
  const backend::HostPool* pool = payload.store->memory().host_pool();
  if (pool == nullptr || payload.raw_values_bytes() < Offload::kLeastBytes) return false;
  if (backend::HostPool::class_bytes(payload.raw_values_bytes()) > pool->bound()) return false;
  return std::ranges::none_of(
      others, [&](const Candidate& c) { return c.option.lossless && 4 * c.option.charged_bytes <= raw_bytes; });
}

// Its seconds are those of the copies alone, as if nothing ran beside them.
Candidate offload_candidate(const Payload& payload) {
  Candidate candidate;
  candidate.option.spec = CodecSpec{"offload", {}};
  candidate.encode_seconds = candidate.decode_seconds =
      static_cast<double>(payload.raw_values_bytes()) /
      payload.store->memory().host_pool()->copies().bytes_per_second();
  return candidate;
}

}  // namespace

void estimate(std::vector<Candidate>& candidates, const TensorStats& stats, int64_t numel, DType dtype) {
  std::erase_if(candidates, [&](const Candidate& c) { return !c.option.lossless && !stats.finite; });
  for (Candidate& candidate : candidates) {
    if (candidate.codec == nullptr) continue;
    const Estimate estimate = candidate.codec->estimate(stats, numel, dtype, candidate.side);
    candidate.encode_seconds = estimate.encode_seconds;
    candidate.decode_seconds = estimate.decode_seconds;
    if (!candidate.option.lossless)
      candidate.rel_mse = relative(
          candidate.mean_square_error.value_or(estimate.mean_square_error) * estimate.error_correlation, stats);
  }
}

Option option_of(const Candidate& candidate, size_t uses) {
  Option option = candidate.option;
  option.seconds = candidate.encode_seconds + static_cast<double>(std::max<size_t>(1, uses)) * candidate.decode_seconds;
  if (!option.lossless) option.relative_error = candidate.rel_mse;
  return option;
}

std::vector<CodecSpec> asked_for(const Payload& payload, const std::vector<SiteRule>& rules, const Sites& sites) {
  std::vector<CodecSpec> specs;
  for (const SiteRule& rule : rules) {
    const auto matches = [&](const Want& want) { return glob_match(rule.match, sites[want.site].name); };
    if (rule.codec && std::ranges::any_of(payload.wants, matches)) specs.push_back(*rule.codec);
  }
  return specs;
}

namespace {

// Its bytes and error are not known yet.
Candidate candidate_of(const CodecSpec& spec, const Form& form) {
  Candidate candidate;
  candidate.option.spec = spec;
  candidate.option.lossless = form.lossless;
  candidate.side = form.side;
  candidate.codec = form.values;
  if (!form.values && (!form.masks.empty() || !form.pairs.empty())) {
    candidate.codec = shared_codec(CodecSpec{"mask", {}});
    // A plane of a pair takes about as long as a mask.
    candidate.side.predicate = form.masks.empty() ? Predicate{PredicateKind::kSign} : form.masks.front();
  }
  return candidate;
}

CodecSpec dither(const char* predict, double step_sigma) {
  return {"dither", {{"step_sigma", step_sigma}, {"predict", std::string(predict)}}};
}

// `otherwise`: where the payload cannot be kept so, or would save nothing.
int64_t bytes_of(std::span<const Candidate> candidates, const CodecSpec& spec, int64_t otherwise) {
  const CodecSpec full = normalise(spec);
  const auto found = std::ranges::find_if(candidates, [&](const Candidate& c) { return c.option.spec == full; });
  return found == candidates.end() ? otherwise : found->option.charged_bytes;
}

}  // namespace

std::vector<Candidate> evaluate(const Payload& payload, int64_t raw_bytes, std::span<const CodecSpec> asked,
                                CodecContext context) {
  context.step = 0;  // the same draws in each step: the same values have the same price
  std::vector<Candidate> result(1);
  result[0].option.charged_bytes = raw_bytes;
  // Those that the payload can be kept in and that save bytes.
  const auto add = [&](std::span<const CodecSpec> specs) {
    std::vector<Candidate> next;
    std::vector<Form> forms;
    for (const CodecSpec& spec : specs) {
      const auto codec = shared_codec(spec);
      const CodecSpec full = codec ? codec->spec() : normalise(spec);
      const auto is_this = [&](const Candidate& c) { return c.option.spec == full; };
      if (std::ranges::any_of(result, is_this) || std::ranges::any_of(next, is_this)) continue;
      auto form =
          form_for(spec, codec, payload.wants, payload.span.numel, payload.dtype(), payload.store->memory().kind());
      if (!form) continue;
      next.push_back(candidate_of(full, *form));
      forms.push_back(std::move(*form));
    }
    const auto costs = payload.costs(forms, context);
    for (size_t i = 0; i < next.size(); ++i) {
      if (!costs[i] || costs[i]->bytes >= raw_bytes) continue;
      next[i].option.charged_bytes = costs[i]->bytes;
      next[i].mean_square_error = costs[i]->mean_square_error;
      result.push_back(std::move(next[i]));
    }
  };
  const auto add_plain = [&](const char* name) { add(std::array{CodecSpec{name, {}}}); };
  const NeedUnion needs = unite(payload.wants);
  if (needs.opaque) return result;
  if (needs.only_shape) {
    add_plain("shape");
    return result;
  }
  if (!needs.wants_values || needs.two_valued) add_plain("mask");
  if (payload.dtype() == DType::kBool) add_plain("bits");
  if (is_integer(payload.dtype())) add_plain("int");
  if (worth_offloading(payload, result, raw_bytes)) result.push_back(offload_candidate(payload));
  if (!is_codable_float(payload.dtype()) || !needs.wants_values || needs.wants_exact || needs.two_valued) return result;
  std::vector<CodecSpec> specs;
  for (const int64_t bits : {8, 4, 2, 1}) specs.push_back({"group_quant", {{"bits", bits}}});
  // A GPU's kernels of dither have not been run on one yet, nor have those of error_bound: there a rule has to name
  // them.
  if (payload.store->memory().kind() == DeviceKind::kCpu) {
    const CodecSpec alone = dither("none", 1.0), from_neighbours = dither("lorenzo", 1.0);
    specs.push_back(alone);
    specs.push_back(from_neighbours);
    add(std::exchange(specs, {}));
    // Each trial takes time: where neighbours tell nothing at one step, they do not at others.
    const int64_t bytes = bytes_of(result, alone, raw_bytes);
    const bool neighbours = bytes_of(result, from_neighbours, raw_bytes) < bytes - bytes / 10;
    for (const double step : {0.0625, 0.125, 0.25, 0.5, 0.7, 1.4, 2.0, 2.8}) {
      specs.push_back(dither("none", step));
      if (neighbours) specs.push_back(dither("lorenzo", step));
    }
  }
  for (const CodecSpec& spec : asked)
    if (const MethodInfo* method = find_method(spec.name); method && !method->lossless) specs.push_back(spec);
  add(specs);
  return result;
}

}  // namespace cinch::hooks
