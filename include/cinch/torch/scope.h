/// Names for code that has none: layers without a module, ops that autograd does not announce, custom ops.
/// Scopes belong to the thread that makes them and end there, in reverse order; they reach no other thread. Names are
/// copied. Without a guard they cost a push and a pop. Nothing here throws but std::bad_alloc, where not said
/// otherwise.
#pragma once

#include <string>
#include <vector>

#include "cinch/need.h"

namespace cinch {

/// While alive on this thread, saves belong to layer `name` (nested scopes join with '.').
class LayerScope {
 public:
  explicit LayerScope(const std::string& name);
  ~LayerScope();
  LayerScope(const LayerScope&) = delete;
  LayerScope& operator=(const LayerScope&) = delete;
};

/// Put round a torch::autograd::Function::apply: its saves get the op name `name`, slots "0", "1", ... in order.
class OpScope {
 public:
  explicit OpScope(const std::string& name);
  ~OpScope();
  OpScope(const OpScope&) = delete;
  OpScope& operator=(const OpScope&) = delete;
};

/// What the backward of op `name` needs of its saves, in the order in which it saves them. `name` is an OpScope's or a
/// registered operator's ("myops::attention"). Replaces an earlier declaration. Throws Error for a name of the built-in
/// catalogue. Any thread; reaches saves made after it.
void declare_op(const std::string& name, const std::vector<Need>& needs);

}  // namespace cinch
