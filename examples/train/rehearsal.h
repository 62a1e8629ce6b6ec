/// Finds out what a training needs before it begins: two steps under observation, after which everything is as before.
#pragma once

#include <memory>
#include <vector>

#include "cinch/budget.h"
#include "cinch/profile.h"
#include "examples/train/training.h"

namespace cinch::train {

/// Whether resolving this budget's limit takes a rehearsal: 60%, floor+25%.
bool is_relative(const Budget& budget);

/// The profile of the second of two steps (by then the optimizer has its state). Parameters, buffers, gradients,
/// optimizer, batches and torch's generators are restored; the meter's peak is begun anew. These steps keep to no
/// limit: throws Error where they do not fit the device. Null when guards are inert (CINCH_DISABLE=1). Codecs that
/// `rules` name are offered where they match.
std::shared_ptr<const Profile> rehearse(Training& training, const std::vector<SiteRule>& rules = {});
/// The same without bringing anything back, for a training that is over; it may have begun. Throws what torch throws.
std::shared_ptr<const Profile> observe(Training& training, const std::vector<SiteRule>& rules = {});
/// The same of a training that is made for it and let go again.
std::shared_ptr<const Profile> rehearse(const Options& options, const std::vector<SiteRule>& rules = {});

}  // namespace cinch::train
