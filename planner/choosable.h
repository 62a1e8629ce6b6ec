/// What plans may choose.
#pragma once

#include "cinch/budget.h"
#include "cinch/profile.h"

namespace cinch::planner {

/// The profile without the lossy options that no plan under this budget takes: those that `allow` and rules leave out,
/// and all but forced ones where there is no limit and noise is to be least. As it is where no plan can be made for a
/// rule that asks for what its payload has not: whoever makes plans hears of that.
Profile choosable(Profile profile, const Budget& budget);

}  // namespace cinch::planner
