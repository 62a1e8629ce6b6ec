#include "hooks/trace.h"

namespace cinch::hooks {
namespace {

thread_local bool thread_ended = false;

struct ThreadTrace {
  std::vector<Frame> frames;
  std::vector<c10::IValue> inputs;                                                   // of all frames, in order
  at::CallbackHandle handle = at::INVALID_CALLBACK_HANDLE;                           // of this thread's own TraceScopes
  std::shared_ptr<std::atomic<int>> scopes = std::make_shared<std::atomic<int>>(0);  // that share it
  int paused = 0;
  ~ThreadTrace() { thread_ended = true; }
};

ThreadTrace& thread_trace() {
  thread_local ThreadTrace trace;
  return trace;
}

std::unique_ptr<at::ObserverContext> op_begins(const at::RecordFunction& function) {
  static const OpInfo& unknown = op_info(std::string());
  ThreadTrace& trace = thread_trace();
  // The frame comes first: its end callback runs even if what follows throws.
  trace.frames.push_back(Frame{&unknown, trace.inputs.size()});
  const OpInfo& op = op_info(function);
  if (op.known) {
    // The dispatcher destroys its boxed arguments before the kernel runs, and saves happen in the kernel: copies.
    const auto inputs = function.inputs();
    trace.inputs.insert(trace.inputs.end(), inputs.begin(), inputs.end());
    trace.frames.back().inputs = inputs.size();
  }
  trace.frames.back().op = &op;
  return nullptr;
}

void op_ends(const at::RecordFunction&, at::ObserverContext*) { pop_frame(); }

}  // namespace

TraceScope::TraceScope() : handle_(thread_trace().handle), sharing_(thread_trace().scopes) {
  ++*sharing_;
  // Another guard's, or one that a scope that ended on another thread has left here.
  if (handle_ != at::INVALID_CALLBACK_HANDLE) return;
  // Arguments are always asked for: needs depend on them (a layer frozen in mid-training, another clamp bound), and
  // names alone would make that mistake silently. Measured cost: docs/decisions.md.
  handle_ = at::addThreadLocalCallback(at::RecordFunctionCallback(op_begins, op_ends)
                                           .needsInputs(true)
                                           .needsIds(false)
                                           .scopes({at::RecordScope::FUNCTION}));
  thread_trace().handle = handle_;
}

TraceScope::~TraceScope() {
  const bool last = --*sharing_ == 0;
  if (!last || !thread_is_alive() || thread_trace().scopes != sharing_) return;
  at::removeCallback(handle_);
  thread_trace().handle = at::INVALID_CALLBACK_HANDLE;
}

bool thread_is_alive() noexcept { return !thread_ended; }

Frame* current_frame() noexcept {
  auto& frames = thread_trace().frames;
  return frames.empty() ? nullptr : &frames.back();
}

Frame* parent_frame() noexcept {
  auto& frames = thread_trace().frames;
  return frames.size() < 2 ? nullptr : &frames[frames.size() - 2];
}

c10::ArrayRef<const c10::IValue> inputs_of(const Frame& frame) noexcept {
  const c10::IValue* first = thread_trace().inputs.data() + frame.first_input;
  return c10::ArrayRef<const c10::IValue>(first, frame.inputs);
}

void push_frame(const OpInfo& op) {
  ThreadTrace& trace = thread_trace();
  trace.frames.push_back(Frame{&op, trace.inputs.size()});
}

void pop_frame() noexcept {
  // An end callback runs even where its begin callback threw or was not yet registered.
  ThreadTrace& trace = thread_trace();
  if (trace.frames.empty()) return;
  trace.inputs.resize(trace.frames.back().first_input);
  trace.frames.pop_back();
}

void pause_tracing() noexcept {
  auto& trace = thread_trace();
  if (trace.handle != at::INVALID_CALLBACK_HANDLE && trace.paused++ == 0) at::disableCallback(trace.handle);
}

void resume_tracing() noexcept {
  auto& trace = thread_trace();
  if (trace.handle != at::INVALID_CALLBACK_HANDLE && trace.paused > 0 && --trace.paused == 0)
    at::reenableCallback(trace.handle);
}

}  // namespace cinch::hooks
