// The engine callbacks of guards: who gets hooks, and what happens round a backward.
#pragma once

namespace cinch::hooks {

// Puts the delegating engine with these callbacks in front; true when it was not there.
bool install_guard_engine();

}  // namespace cinch::hooks
