// Guards that tests make up.
#pragma once

#include <string>

#include "src/metrics/source.h"

namespace cinch::metrics {

inline SiteUsage sample_site(const std::string& layer, int64_t occurrence, int64_t charged_bytes,
                             const std::string& codec = "keep") {
  SiteUsage site;
  site.layer = layer, site.op = "relu", site.slot = "result", site.occurrence = occurrence;
  site.site = layer + "/relu#" + std::to_string(occurrence) + ":result";
  site.codec = codec;
  site.raw_bytes = 4 * charged_bytes, site.charged_bytes = charged_bytes;
  site.pack_seconds = 0.5, site.unpack_seconds = 0.25, site.noise_variance = 0.0001;
  return site;
}

inline Usage sample_usage() {
  Usage usage;
  usage.raw_bytes = 4096, usage.charged_bytes = 1024, usage.device_peak_bytes = 9000, usage.limit_bytes = 10000;
  usage.floor_bytes = 8000, usage.offloaded_bytes = 77;
  usage.gradient_noise = 0.125, usage.effective_batch = 0.97;
  usage.reclaims = 3, usage.fallbacks = 2, usage.replans = 1, usage.steps = 5, usage.step_seconds = 0.3;
  return usage;
}

inline Reading sample_reading() {
  return {sample_usage(), {sample_site("model.conv1", 0, 100, "dither"), sample_site("model.bn1", 0, 200, "mask")}};
}

}  // namespace cinch::metrics
