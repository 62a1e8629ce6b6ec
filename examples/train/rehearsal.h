/// Finds out what a training needs before it begins: two steps under observation, after which everything is as before.
#pragma once

#include <memory>

#include "cinch/profile.h"
#include "examples/train/training.h"

namespace cinch::train {

/// The profile of the second of two steps (by then the optimizer has its state). Parameters, buffers, gradients,
/// optimizer, batches and torch's generator are restored; the meter's peak is begun anew. These steps keep to no limit.
/// Null when guards are inert (CINCH_DISABLE=1).
std::shared_ptr<const Profile> rehearse(Training& training);

}  // namespace cinch::train
