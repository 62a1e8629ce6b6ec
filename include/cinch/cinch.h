/// Everything of cinch that a training program needs. Needs LibTorch of the minor version that cinch was built with.
/// Names end in their unit (_bytes, _bits, _seconds). What may be called from which thread stands at each class; what
/// is thrown derives from cinch::Error, but for OutOfBudget, which is a c10::OutOfMemoryError.
#pragma once

#include "cinch/budget.h"
#include "cinch/codec.h"
#include "cinch/error.h"
#include "cinch/metrics.h"
#include "cinch/plan.h"
#include "cinch/planner.h"
#include "cinch/profile.h"
#include "cinch/torch/guard.h"
#include "cinch/torch/meter.h"
#include "cinch/torch/out_of_budget.h"
#include "cinch/torch/scope.h"
#include "cinch/usage.h"
#include "cinch/version.h"
