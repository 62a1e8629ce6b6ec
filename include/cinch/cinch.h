/// Everything of cinch that a training program needs. Needs LibTorch.
#pragma once

#include "cinch/budget.h"
#include "cinch/codec.h"
#include "cinch/error.h"
#include "cinch/plan.h"
#include "cinch/planner.h"
#include "cinch/profile.h"
#include "cinch/torch/guard.h"
#include "cinch/torch/meter.h"
#include "cinch/torch/out_of_budget.h"
#include "cinch/torch/scope.h"
#include "cinch/version.h"
