#include "tests/planner/batch_profile.h"

namespace cinch::planner::testing {

Profile batch_profile(int64_t batch) {
  Profile profile;
  profile.device = "cpu";
  profile.fingerprint = "batch";
  profile.batch = batch;
  profile.parameters_bytes = 100'000;
  profile.gradients_bytes = 100'000;
  profile.optimizer_bytes = 50'000;
  profile.step_seconds = 0.01 * static_cast<double>(batch);
  const int64_t numels[] = {2048 * batch, 1024 * batch, 7001};
  const char* names[] = {"a/linear#0:input", "b/linear#0:input", "c/mul#0:other"};
  for (int32_t i = 0; i < 3; ++i) {
    SiteProfile site;
    site.name = names[i];
    site.need = Need::kLinear;
    site.payload = i;
    site.sizes = i == 2 ? std::vector<int64_t>{7001} : std::vector<int64_t>{batch, numels[i] / batch};
    profile.sites.push_back(site);
    PayloadProfile payload;
    payload.sites = {i};
    payload.numel = numels[i];
    payload.raw_bytes = 4 * payload.numel;
    payload.saved_at = i;
    payload.exclusive_at = i;
    payload.freed_at = 7 - i;
    payload.uses = {{7 - i, 7 - i}};
    payload.options.resize(1);
    payload.options[0].charged_bytes = payload.raw_bytes;
    for (int64_t bits : {8, 4, 2}) {
      Option option{{"group_quant", {{"bits", bits}}}, payload.numel * bits / 8 + 512, 0, 1e-9, false};
      option.noise_variance = 1e-3 / static_cast<double>(int64_t{1} << (2 * bits)) * 16;
      option.seconds = 1e-9 * static_cast<double>(payload.numel);
      payload.options.push_back(option);
    }
    profile.payloads.push_back(payload);
  }
  for (int64_t t = 0; t < 8; ++t) {
    int64_t bytes = 150'000 + 300 * batch + (t < 4 ? 0 : 25'000 * (t - 3));
    for (const PayloadProfile& payload : profile.payloads)
      if (payload.saved_at <= t && t < payload.freed_at) bytes += payload.raw_bytes;
    profile.timeline.emplace_back().bytes = bytes;
  }
  return profile;
}

}  // namespace cinch::planner::testing
