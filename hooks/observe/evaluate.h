// The ways in which a payload could be kept, evaluated on its real values.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "cinch/budget.h"
#include "cinch/profile.h"
#include "hooks/replay/sensitivities.h"
#include "hooks/sites.h"
#include "hooks/store/payload.h"

namespace cinch::hooks {

// An option whose time and noise are not known yet: they depend on statistics, which come later, and prices on how many
// payloads the model has.
struct Candidate {
  Option option;
  std::shared_ptr<const Codec> codec;  // whose estimate counts; null: takes no time
  SideInfo side;
  std::optional<double> mean_square_error;  // of a trial; nullopt: statistics tell
  double rel_mse = 0;                       // mean square error relative to the values' second moment
  double encode_seconds = 0, decode_seconds = 0;
};

// candidates[0] is keep. Needs the raw values; without them only keep is left. `offload` is among them for every
// payload that it suits, however many fit into the host pool together. `asked`: specs that are tried beside the usual
// ones.
std::vector<Candidate> evaluate(const Payload& payload, int64_t raw_bytes, std::span<const CodecSpec> asked,
                                CodecContext context);

// Fills in error and seconds; drops lossy candidates where values are not finite.
void estimate(std::vector<Candidate>& candidates, const TensorStats& stats, int64_t numel, DType dtype);

// As the profile has it, for a payload that a backward uses so often.
Option option_of(const Candidate& candidate, size_t uses);

// The specs that rules name for one of the payload's sites.
std::vector<CodecSpec> asked_for(const Payload& payload, const std::vector<SiteRule>& rules, const Sites& sites);

// What errors cost: measured where replays have been, else the prior for a model with so many weights.
struct Prices {
  int64_t weight_payloads = 1;
  std::shared_ptr<const Sensitivities> measured;

  // Writes what is known of the site of that name into its profile: need, sensitivities. All zero where no values are
  // read.
  void fill(SiteProfile& site, const Want& want, const std::string& name) const;
};

// Relative variance of the parameter gradient that `payload`, coded by `codec`, is priced at from its statistics: the
// sum over its sites.
double price(const Payload& payload, const TensorStats& stats, const Codec& codec, const Prices& prices);

}  // namespace cinch::hooks
