// A delegating autograd engine: everything goes to the engine that was there before; only the default saved-variable
// hooks are ours, and only where that engine has none. Installed once, never uninstalled, never destroyed.
#pragma once

#include <memory>

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/saved_variable_hooks.h>

namespace cinch::hooks {

// What the engine calls on the thread concerned. Set once, before the first install_engine().
struct EngineCallbacks {
  // Hooks for a tensor about to be saved, or nullptr to leave it alone.
  std::unique_ptr<torch::autograd::SavedVariableHooks> (*make_hooks)() = nullptr;
  // Before a backward from `roots`; records_graph: create_graph. What it gives back is let go of when the backward has
  // ended, on the same thread.
  std::shared_ptr<void> (*backward_begins)(const torch::autograd::edge_list& roots, bool records_graph) = nullptr;
};

// Puts the engine in place; does nothing when it already is. Returns true when it had to be put in place (again).
bool install_engine(const EngineCallbacks& callbacks);

}  // namespace cinch::hooks
