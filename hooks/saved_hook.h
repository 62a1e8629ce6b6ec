// The pack/unpack pair that autograd calls for each tensor it saves.
#pragma once

#include <torch/csrc/autograd/saved_variable_hooks.h>

#include <memory>

namespace cinch::hooks {

// Hooks for the thread's active session, or nullptr where tensors are left alone (no session; while a function is
// traced).
std::unique_ptr<torch::autograd::SavedVariableHooks> make_saved_hook();

}  // namespace cinch::hooks
