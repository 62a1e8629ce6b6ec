// The timeline of bytes in use by category, before and after, thinned for a page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "cinch/profile.h"

namespace cinch::report {

// At most about `most` of the instants, in order, evenly spread. Each stretch keeps the highest instant of every curve
// and the lowest of each, so no peak is lost; the ends stay too.
std::vector<int32_t> kept_instants(const std::vector<std::vector<int64_t>>& curves, size_t most);

// `choice` names the option of each payload after; before, all are raw.
nlohmann::ordered_json timeline_document(const Profile& profile, const std::vector<int32_t>& choice, bool planned);

}  // namespace cinch::report
