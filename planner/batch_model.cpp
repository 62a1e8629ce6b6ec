#include "planner/batch_model.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "cinch/error.h"
#include "planner/profile_check.h"
#include "planner/simulate.h"
#include "planner/spec_json.h"

namespace cinch::planner {
namespace {

constexpr int64_t kBlockBytes = 512;  // what CUDA's allocator rounds up to; more than the CPU's
constexpr int64_t kMostBytes = INT64_C(1) << 60;

int64_t whole_blocks(int64_t bytes) { return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes; }

int64_t fixed_bytes(const Profile& profile) {
  return profile.parameters_bytes + profile.gradients_bytes + profile.optimizer_bytes;
}

bool same_lives(const PayloadProfile& a, const PayloadProfile& b) {
  const auto same_use = [](const Use& x, const Use& y) { return x.begin == y.begin && x.end == y.end; };
  return a.sites == b.sites && a.dtype == b.dtype && a.saved_at == b.saved_at && a.exclusive_at == b.exclusive_at &&
         a.freed_at == b.freed_at && std::ranges::equal(a.uses, b.uses, same_use);
}

void require_same_program(const Profile& a, const Profile& b) {
  const auto refuse = [&](const std::string& why) {
    throw Error("the profiles of batch " + std::to_string(a.batch) + " and batch " + std::to_string(b.batch) +
                " do not show the same program: " + why);
  };
  if (a.batch == b.batch) throw Error("two profiles have the same batch of " + std::to_string(a.batch));
  if (a.device != b.device) refuse("one is for device " + a.device + ", the other for " + b.device);
  if (a.sites.size() != b.sites.size() || a.payloads.size() != b.payloads.size())
    refuse(std::to_string(a.sites.size()) + " and " + std::to_string(b.sites.size()) + " sites, " +
           std::to_string(a.payloads.size()) + " and " + std::to_string(b.payloads.size()) + " payloads");
  if (a.timeline.size() != b.timeline.size())
    refuse(std::to_string(a.timeline.size()) + " and " + std::to_string(b.timeline.size()) + " instants");
  for (size_t i = 0; i < a.sites.size(); ++i)
    if (a.sites[i].name != b.sites[i].name) refuse("site " + a.sites[i].name + " and site " + b.sites[i].name);
  for (size_t i = 0; i < a.payloads.size(); ++i)
    if (!same_lives(a.payloads[i], b.payloads[i])) refuse("payload " + std::to_string(i) + " lives differently");
}

// The index in each profile of each option that all have, in the order of the first.
std::vector<std::vector<size_t>> common_options(std::span<const Profile* const> profiles, size_t payload) {
  std::vector<std::vector<size_t>> out;
  for (const Option& option : profiles[0]->payloads[payload].options) {
    std::vector<size_t> indices;
    for (const Profile* profile : profiles) {
      const auto& options = profile->payloads[payload].options;
      const auto found = std::ranges::find_if(options, [&](const Option& o) { return same_spec(o.spec, option.spec); });
      if (found == options.end()) break;
      indices.push_back(static_cast<size_t>(found - options.begin()));
    }
    if (indices.size() == profiles.size()) out.push_back(std::move(indices));
  }
  return out;
}

}  // namespace

BatchModel::BatchModel(std::span<const Profile> profiles) {
  if (profiles.empty()) throw Error("advice on the batch needs a profile");
  for (const Profile& profile : profiles) {
    require_sound(profile);
    if (profile.batch < 1)
      throw Error("the profile does not know its batch; say how many samples the observed iteration had");
    profiles_.push_back(&profile);
  }
  std::ranges::stable_sort(profiles_, {}, [](const Profile* profile) { return profile->batch; });
  for (size_t i = 1; i < profiles_.size(); ++i) require_same_program(*profiles_[i - 1], *profiles_[i]);
  for (const Profile* profile : profiles_) {
    std::vector<int64_t> rest = simulate_payloads(*profile, std::vector<int32_t>(profile->payloads.size(), 0));
    for (size_t t = 0; t < rest.size(); ++t) rest[t] = profile->timeline[t].bytes - rest[t];
    rest_.push_back(std::move(rest));
  }
  for (size_t i = 0; i < largest().payloads.size(); ++i) options_.push_back(common_options(profiles_, i));
  // Gradients may come and go, and what takes their place while they are gone may grow.
  const auto& rest = rest_.back();
  const int64_t lasting = largest().parameters_bytes + largest().optimizer_bytes;
  if (!rest.empty()) always_there_ = std::min(lasting, *std::ranges::min_element(rest));
}

size_t BatchModel::nearest(int64_t batch) const {
  size_t best = 0;
  for (size_t i = 1; i < profiles_.size(); ++i)
    if (profiles_[i]->batch <= batch) best = i;
  return best;
}

// Never below an earlier knot: a kernel that needs less room for a larger batch is no promise for the next one.
int64_t BatchModel::line(std::vector<Knot> knots, int64_t batch) {
  for (size_t i = 1; i < knots.size(); ++i) knots[i].bytes = std::max(knots[i].bytes, knots[i - 1].bytes);
  const auto at_knot = std::ranges::find(knots, batch, &Knot::batch);
  if (at_knot != knots.end()) return at_knot->bytes;
  const auto above = std::ranges::find_if(knots, [&](const Knot& knot) { return knot.batch > batch; });
  const bool between = above != knots.begin() && above != knots.end();
  const Knot a = between ? *std::prev(above) : knots.front(), b = between ? *above : knots.back();
  const long double step = static_cast<long double>(b.bytes - a.bytes) * static_cast<long double>(batch - a.batch) /
                           static_cast<long double>(b.batch - a.batch);
  const long double bytes = static_cast<long double>(a.bytes) + std::ceil(step);
  return bytes > static_cast<long double>(kMostBytes) ? kMostBytes : static_cast<int64_t>(bytes);
}

// of(profile index) gives the bytes; blocks: they are one allocation.
template <typename Of>
int64_t BatchModel::bytes_at(int64_t batch, bool grows, bool blocks, Of of) const {
  std::vector<Knot> knots;
  if (profiles_.size() == 1) {
    if (!grows || batch == largest().batch) return of(size_t{0});
    knots.push_back({0, 0});
  }
  bool observed = false;
  for (size_t i = 0; i < profiles_.size(); ++i) {
    knots.push_back({profiles_[i]->batch, of(i)});
    observed = observed || profiles_[i]->batch == batch;
  }
  const int64_t bytes = std::max<int64_t>(0, line(std::move(knots), batch));
  return blocks && !observed ? whole_blocks(bytes) : bytes;
}

int64_t BatchModel::rest_at(int64_t batch, size_t instant) const {
  if (profiles_.size() > 1) {
    std::vector<Knot> knots;
    for (size_t i = 0; i < profiles_.size(); ++i) knots.push_back({profiles_[i]->batch, rest_[i][instant]});
    return line(std::move(knots), batch);
  }
  const int64_t rest = rest_[0][instant];
  const int64_t stays = std::min(rest, batch > largest().batch ? always_there_ : fixed_bytes(largest()));
  return line({{0, stays}, {largest().batch, rest}}, batch);
}

bool BatchModel::grows(const PayloadProfile& payload, int64_t batch) const {
  const int64_t observed = largest().batch;
  if (batch > observed) return payload.numel % observed == 0;
  return !payload.sites.empty() && std::ranges::all_of(payload.sites, [&](int32_t site) {
    const auto& sizes = largest().sites[site].sizes;
    return sizes.size() > 1 && sizes[0] > 0 && sizes[0] % observed == 0;
  });
}

PayloadProfile BatchModel::payload_at(int64_t batch, size_t index) const {
  const size_t near = nearest(batch);
  const auto of_profile = [&](size_t i) -> const PayloadProfile& { return profiles_[i]->payloads[index]; };
  PayloadProfile out = of_profile(near);
  const bool depends = grows(of_profile(0), batch);
  const int64_t observed_bytes = out.raw_bytes;
  out.raw_bytes = bytes_at(batch, depends, true, [&](size_t i) { return of_profile(i).raw_bytes; });
  out.numel = bytes_at(batch, depends, false, [&](size_t i) { return of_profile(i).numel; });
  const double work =
      observed_bytes > 0 ? static_cast<double>(out.raw_bytes) / static_cast<double>(observed_bytes) : 1.0;
  // The variance of a mean over fewer samples is larger in proportion. Over more it is taken as it was: on the safe
  // side.
  const double variance = std::max(1.0, static_cast<double>(profiles_[near]->batch) / static_cast<double>(batch));
  out.options.clear();
  for (const std::vector<size_t>& same : options_[index]) {
    Option scaled = of_profile(near).options[same[near]];
    scaled.charged_bytes =
        bytes_at(batch, depends, true, [&](size_t i) { return of_profile(i).options[same[i]].charged_bytes; });
    scaled.noise_variance *= variance;
    scaled.seconds *= work;
    out.options.push_back(std::move(scaled));
  }
  return out;
}

std::optional<Profile> BatchModel::at(int64_t batch) const {
  if (batch < 1) throw Error("a batch has at least 1 sample");
  const Profile& base = *profiles_[nearest(batch)];
  Profile out = base;
  const double ratio = static_cast<double>(batch) / static_cast<double>(base.batch);
  out.batch = batch;
  out.step_seconds *= ratio;
  out.gradient_variance *= std::max(1.0, 1.0 / ratio);
  // Room to code the largest payload in: with one profile it grows, and does not shrink.
  out.reserve_bytes =
      bytes_at(batch, batch > largest().batch, true, [&](size_t i) { return profiles_[i]->reserve_bytes; });
  for (size_t i = 0; i < out.payloads.size(); ++i) out.payloads[i] = payload_at(batch, i);
  if (find_defect(out)) return std::nullopt;
  const auto payloads = simulate_payloads(out, std::vector<int32_t>(out.payloads.size(), 0));
  for (size_t t = 0; t < out.timeline.size(); ++t)
    out.timeline[t].bytes = std::max<int64_t>(0, rest_at(batch, t) + payloads[t]);
  if (find_defect(out)) return std::nullopt;
  return out;
}

}  // namespace cinch::planner
