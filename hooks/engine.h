// A delegating autograd engine: everything goes to the engine that was there before; only the default saved-variable
// hooks are ours, and only where that engine has none. Installed once, never uninstalled, never destroyed.
#pragma once

#include <memory>

#include <torch/csrc/autograd/saved_variable_hooks.h>

namespace cinch::hooks {

// What the engine calls on the thread concerned. Set once, before the first install_engine().
struct EngineCallbacks {
  // Hooks for a tensor about to be saved, or nullptr to leave it alone.
  std::unique_ptr<torch::autograd::SavedVariableHooks> (*make_hooks)() = nullptr;
  // Round a backward; records_graph: create_graph.
  void (*backward_begins)(bool records_graph) = nullptr;
  void (*backward_ends)(bool records_graph) = nullptr;
};

// Puts the engine in place; does nothing when it already is. Returns true when it had to be put in place (again).
bool install_engine(const EngineCallbacks& callbacks);

}  // namespace cinch::hooks
