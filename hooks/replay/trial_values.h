// A payload's values as a codec would give them back, beside how far off they are.
#pragma once

#include <c10/core/Storage.h>

#include <memory>
#include <string>
#include <variant>

#include "hooks/store/payload.h"

namespace cinch::hooks {

struct TrialValues {
  c10::Storage values;        // the span, in memory order
  double relative_error = 0;  // as Option::relative_error: mean square error over the second moment; > 0
};

struct Untried {
  std::string why;
  bool for_good = false;  // whatever its values are
};

// Codes and decodes what the payload would unpack to now, so that values which are coded already get another error,
// independent of the one they have and like it where that is possible. Or why it cannot. Host memory only; draws differ
// from those of every step and from those of other `turn`s.
std::variant<TrialValues, Untried> try_values(Payload& payload, const Want& want, uint64_t turn);

}  // namespace cinch::hooks
