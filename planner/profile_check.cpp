#include "planner/profile_check.h"

#include <cmath>

namespace cinch::planner {
namespace {

constexpr int64_t kMostBytes = INT64_C(1) << 60;
constexpr double kMostBytesInAll = 2305843009213693952.0;  // 2^61

// A price: finite and not negative.
bool is_price(double value) { return std::isfinite(value) && value >= 0; }
bool is_size(int64_t bytes) { return bytes >= 0 && bytes <= kMostBytes; }

std::string at(const char* list, size_t i) { return std::string("/") + list + "/" + std::to_string(i); }

// In front of what was found within a part: parts are many and defects rare, so no place is spelled before.
std::optional<Defect> within(const char* list, size_t i, std::optional<Defect> defect) {
  if (defect) defect->pointer = at(list, i) + defect->pointer;
  return defect;
}

std::string range(const char* what, int64_t lowest, int64_t highest) {
  return std::string(what) + " from " + std::to_string(lowest) + " to " + std::to_string(highest);
}

std::optional<Defect> find_in_option(const Option& option) {
  if (!is_size(option.charged_bytes)) return Defect{"/charged_bytes", range("expected bytes", 0, kMostBytes)};
  if (!is_price(option.noise_variance)) return Defect{"/noise_variance", "expected a finite number of at least 0"};
  if (!is_price(option.seconds)) return Defect{"/seconds", "expected a finite number of at least 0"};
  if (option.lossless && option.noise_variance != 0)
    return Defect{"/noise_variance", "expected 0 for a lossless option"};
  if (option.spec.name == "keep" && !option.lossless) return Defect{"/lossless", "expected true for \"keep\""};
  return std::nullopt;
}

std::optional<Defect> find_in_options(const PayloadProfile& payload) {
  if (payload.options.empty() || payload.options[0].spec.name != "keep")
    return Defect{"/options", "expected \"keep\" as the first option"};
  for (size_t i = 0; i < payload.options.size(); ++i) {
    if (auto defect = find_in_option(payload.options[i])) return within("options", i, std::move(defect));
  }
  return std::nullopt;
}

std::optional<Defect> find_in_payload(const Profile& profile, const PayloadProfile& payload) {
  const auto instants = static_cast<int32_t>(profile.timeline.size());
  for (size_t i = 0; i < payload.sites.size(); ++i) {
    if (payload.sites[i] < 0 || payload.sites[i] >= static_cast<int32_t>(profile.sites.size()))
      return Defect{at("sites", i), "expected the index of a site"};
  }
  if (!is_size(payload.raw_bytes)) return Defect{"/raw_bytes", range("expected bytes", 0, kMostBytes)};
  if (payload.numel < 0) return Defect{"/numel", "expected at least 0"};
  if (payload.saved_at < 0 || payload.saved_at >= instants)
    return Defect{"/saved_at", "expected the index of an instant"};
  if (payload.freed_at < payload.saved_at || payload.freed_at > instants)
    return Defect{"/freed_at", range("expected an instant", payload.saved_at, instants)};
  if (payload.exclusive_at != -1 && (payload.exclusive_at < payload.saved_at || payload.exclusive_at >= instants))
    return Defect{"/exclusive_at", "expected -1 or an instant from saved_at on"};
  for (size_t i = 0; i < payload.uses.size(); ++i) {
    const Use& use = payload.uses[i];
    if (use.begin < 0 || use.end < use.begin || use.end >= instants)
      return Defect{at("uses", i), "expected 0 <= begin <= end < number of instants"};
  }
  return find_in_options(payload);
}

// What a payload can add to an instant at most.
double most_bytes(const PayloadProfile& payload) {
  int64_t charged = 0;
  for (const Option& option : payload.options) charged = std::max(charged, option.charged_bytes);
  return static_cast<double>(charged) +
         static_cast<double>(payload.raw_bytes) * static_cast<double>(payload.uses.size() + 1);
}

}  // namespace

std::optional<Defect> find_defect(const Profile& profile) {
  const auto payloads = static_cast<int32_t>(profile.payloads.size());
  if (profile.timeline.size() > (1u << 28)) return Defect{"/timeline", "expected fewer than 2^28 instants"};
  int64_t highest = 0;
  for (size_t i = 0; i < profile.timeline.size(); ++i) {
    if (!is_size(profile.timeline[i].bytes)) return Defect{at("timeline", i), range("expected bytes", 0, kMostBytes)};
    if (!is_size(profile.timeline[i].gradients_bytes))
      return Defect{at("timeline_gradients", i), range("expected bytes", 0, kMostBytes)};
    highest = std::max(highest, profile.timeline[i].bytes);
  }
  for (size_t i = 0; i < profile.sites.size(); ++i) {
    const int32_t payload = profile.sites[i].payload;
    if (payload < -1 || payload >= payloads)
      return Defect{at("sites", i) + "/payload", "expected -1 or the index of a payload"};
  }
  double total = static_cast<double>(highest);
  for (size_t i = 0; i < profile.payloads.size(); ++i) {
    if (auto defect = find_in_payload(profile, profile.payloads[i])) return within("payloads", i, std::move(defect));
    total += most_bytes(profile.payloads[i]);
  }
  if (!(total <= kMostBytesInAll)) return Defect{"/payloads", "expected fewer than 2^61 bytes in all"};
  if (!is_size(profile.parameters_bytes)) return Defect{"/parameters_bytes", range("expected bytes", 0, kMostBytes)};
  if (!is_size(profile.gradients_bytes)) return Defect{"/gradients_bytes", range("expected bytes", 0, kMostBytes)};
  if (!is_size(profile.optimizer_bytes)) return Defect{"/optimizer_bytes", range("expected bytes", 0, kMostBytes)};
  if (!is_size(profile.reserve_bytes)) return Defect{"/reserve_bytes", range("expected bytes", 0, kMostBytes)};
  if (!is_size(profile.device_bytes)) return Defect{"/device_bytes", range("expected bytes", 0, kMostBytes)};
  if (profile.batch < 0) return Defect{"/batch", "expected at least 0"};
  if (!is_price(profile.gradient_variance))
    return Defect{"/gradient_variance", "expected a finite number of at least 0"};
  if (!is_price(profile.step_seconds)) return Defect{"/step_seconds", "expected a finite number of at least 0"};
  return std::nullopt;
}

void require_sound(const Profile& profile) {
  if (auto defect = find_defect(profile))
    throw Error("the profile is damaged at " + defect->pointer + ": " + defect->expected);
}

}  // namespace cinch::planner
