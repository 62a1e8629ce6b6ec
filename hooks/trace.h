// Op tracing: a thread-local stack of the operators being called, so that a save knows which op makes it.
#pragma once

#include <ATen/record_function.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hooks/catalogue/op_info.h"

namespace cinch::hooks {

class JointPair;

// One operator call in progress on this thread.
struct Frame {
  const OpInfo* op = nullptr;
  size_t first_input = 0, inputs = 0;  // into the thread's arguments; kept for known operators alone
  uint64_t taken = 0;                  // slots already given
  int32_t saves = 0;
  int32_t layer = -1;  // interned layer of `session`, -1: not asked yet
  int64_t occurrence = -1;
  uint64_t session = 0;                  // serial of the session that numbered the layer
  std::shared_ptr<JointPair> pair = {};  // of the two saves that the backward compares; null until the first of them
};

// The arguments of a frame of this thread; valid until the next operator begins or ends.
c10::ArrayRef<const c10::IValue> inputs_of(const Frame& frame) noexcept;

// Starts tracing on this thread, for as long as one of its objects lives there. Threads that torch starts from here
// inherit it.
class TraceScope {
 public:
  TraceScope();
  // Must run on the thread that made it to have an effect; elsewhere the callback stays, harmless.
  ~TraceScope();
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

 private:
  at::CallbackHandle handle_;
  std::shared_ptr<std::atomic<int>> sharing_;  // how many scopes share the callback, wherever they end
};

// False while this thread's thread-local objects are being destroyed: a static guard outlives them.
bool thread_is_alive() noexcept;

// Innermost frame of this thread, or nullptr; parent of it, or nullptr.
Frame* current_frame() noexcept;
Frame* parent_frame() noexcept;
void push_frame(const OpInfo& op);
void pop_frame() noexcept;

// A backward that records no graph needs no op names: its ops would pay for them.
void pause_tracing() noexcept;
void resume_tracing() noexcept;

}  // namespace cinch::hooks
