#include "src/metrics/families.h"

#include <cmath>

namespace cinch::metrics {
namespace {

double number(int64_t value) { return static_cast<double>(value); }

std::optional<double> unless_zero(double value) { return value > 0 ? std::optional<double>(value) : std::nullopt; }

}  // namespace

const Family kBuildInfo{"cinch_build_info", Kind::kGauge, "Version of cinch; always 1."};
const Family kStepDuration{"cinch_step_duration_seconds", Kind::kHistogram,
                           "Time from one step() of the guard to the next."};
const Family kSiteInfo{"cinch_site_info", Kind::kGauge,
                       "Method that the plan in force gives the site (label codec); always 1."};

const std::vector<DeviceFamily>& device_families() {
  using S = const Snapshot&;
  static const std::vector<DeviceFamily> families{
      {{"cinch_limit_bytes", Kind::kGauge, "Limit in force; absent without one."},
       [](S s) { return unless_zero(number(s.usage.limit_bytes)); }},
      {{"cinch_device_peak_bytes", Kind::kGauge, "Peak of the device's meter in the last finished step."},
       [](S s) { return std::optional(number(s.usage.device_peak_bytes)); }},
      {{"cinch_floor_bytes", Kind::kGauge,
        "Peak that no plan goes below, from the last profile; absent before there is one."},
       [](S s) { return unless_zero(number(s.usage.floor_bytes)); }},
      {{"cinch_raw_bytes", Kind::kGauge,
        "Peak in the last step of the distinct bytes that stock autograd would keep for the backward."},
       [](S s) { return std::optional(number(s.usage.raw_bytes)); }},
      {{"cinch_charged_bytes", Kind::kGauge, "Peak in the last step of what payloads occupied in the allocator."},
       [](S s) { return std::optional(number(s.usage.charged_bytes)); }},
      {{"cinch_offloaded_bytes", Kind::kGauge, "Peak in the last step of the pinned host memory that payloads took."},
       [](S s) { return std::optional(number(s.usage.offloaded_bytes)); }},
      {{"cinch_gradient_noise_ratio", Kind::kGauge, "Predicted relative RMS error of the parameter gradient."},
       [](S s) { return std::optional(s.usage.gradient_noise); }},
      {{"cinch_effective_batch_ratio", Kind::kGauge,
        "Predicted effective batch, V / (V + C); 1 is a gradient to which payloads add no noise."},
       [](S s) { return std::optional(s.usage.effective_batch); }},
      {{"cinch_effective_batch_bound_ratio", Kind::kGauge,
        "Least effective batch that the budget allows; absent where it sets no bound."},
       [](S s) { return unless_zero(s.least_effective_batch); }},
      {{"cinch_steps_total", Kind::kCounter, "Finished steps."},
       [](S s) { return std::optional(number(s.usage.steps)); }},
      {{"cinch_reclaims_total", Kind::kCounter, "Payloads that were coded further to keep the limit."},
       [](S s) { return std::optional(number(s.usage.reclaims)); }},
      {{"cinch_replans_total", Kind::kCounter, "Plans put in force after the first one."},
       [](S s) { return std::optional(number(s.usage.replans)); }},
      {{"cinch_fallbacks_total", Kind::kCounter,
        "Tensors kept as they were because they could not be coded as planned."},
       [](S s) { return std::optional(number(s.usage.fallbacks)); }},
  };
  return families;
}

const std::vector<SiteFamily>& site_families() {
  using R = const SiteRow&;
  static const std::vector<SiteFamily> families{
      {{"cinch_site_raw_bytes", Kind::kGauge,
        "Raw bytes of the site's payloads that were let go of in the last step; a shared payload is its first site's."},
       [](R r) { return r.raw_bytes; }},
      {{"cinch_site_charged_bytes", Kind::kGauge,
        "What the site's payloads that were let go of in the last step occupied; a shared payload is charged to its "
        "first site."},
       [](R r) { return r.charged_bytes; }},
      {{"cinch_site_pack_seconds_total", Kind::kCounter, "Time spent packing what the site saved."},
       [](R r) { return r.pack_seconds; }},
      {{"cinch_site_unpack_seconds_total", Kind::kCounter, "Time spent unpacking what the site saved."},
       [](R r) { return r.unpack_seconds; }},
      {{"cinch_site_noise_ratio", Kind::kGauge,
        "Predicted relative RMS error of the parameter gradient that comes from this site."},
       [](R r) { return std::sqrt(r.noise_variance); }},
  };
  return families;
}

}  // namespace cinch::metrics
