// Checks one call of the catalogue's bench: every save is replaced by what its row allows, gradients compared bit for
// bit.
#pragma once

#include <map>
#include <string>

#include "bench/needs_cases.h"
#include "hooks/catalogue/op_info.h"

namespace cinch::bench {

// What is known of one row after the calls so far.
struct RowResult {
  int runs = 0;
  bool changed = false;    // garbage changed a gradient: the row does not ask for too much
  bool nonlinear = false;  // the gradient was seen not to be linear in it
  int second_orders = 0;   // runs compared under double backward too
  std::string failure;     // the first one
};

using RowResults = std::map<const hooks::NeedRow*, RowResult>;

// How check_case() ends where gradients differ from run to run.
inline constexpr char kUnstable[] = "two backwards gave different gradients";

// Runs the call at all its sizes and dtypes. Returns what is wrong with the call itself (other slots than expected, not
// reproducible ...), "" where nothing is.
std::string check_case(const NeedsCase& c, RowResults& results);

}  // namespace cinch::bench
