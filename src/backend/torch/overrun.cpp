#include "src/backend/torch/overrun.h"

#include <string>
#include <utility>

#include "cinch/torch/out_of_budget.h"
#include "src/core/bytes_text.h"

namespace cinch::backend {
namespace {

thread_local bool reserve_flag = false;
thread_local bool handler_flag = false;

class Flag {
 public:
  explicit Flag(bool& flag) : flag_(flag), previous_(std::exchange(flag, true)) {}
  ~Flag() { flag_ = previous_; }
  Flag(const Flag&) = delete;
  Flag& operator=(const Flag&) = delete;

 private:
  bool& flag_;
  bool previous_;
};

}  // namespace

HandlerSlot::Call HandlerSlot::enter() {
  const std::lock_guard lock(mutex_);
  ++calls_[generation_ & 1];
  return {handler_, generation_};
}

void HandlerSlot::leave(const Call& call) {
  const std::lock_guard lock(mutex_);
  if (--calls_[call.generation & 1] == 0) {
    left_.notify_all();
  }
}

void HandlerSlot::set(OverrunHandler* handler) {
  const std::lock_guard one_at_a_time(set_mutex_);
  std::unique_lock lock(mutex_);
  handler_ = handler;
  const uint64_t old = generation_++;
  left_.wait(lock, [&] { return calls_[old & 1] == 0; });
}

HandlerSlot::Answer HandlerSlot::negotiate(int64_t request_bytes, c10::function_ref<bool()> attempt,
                                           MemoryBreakdown& breakdown) {
  struct Visit {
    HandlerSlot& slot;
    Call call = slot.enter();
    ~Visit() { slot.leave(call); }
  } visit{*this};
  OverrunHandler* handler = visit.call.handler;
  if (handler == nullptr) {
    return Answer::kRefused;
  }
  const Flag no_recursion(handler_flag);
  while (handler->make_room(request_bytes)) {
    if (attempt()) {
      return Answer::kFits;
    }
  }
  // Another thread may have freed something meanwhile.
  if (attempt()) {
    return Answer::kFits;
  }
  return handler->overrun(request_bytes, breakdown) ? Answer::kGranted : Answer::kRefused;
}

ReserveScope::ReserveScope() noexcept : previous_(std::exchange(reserve_flag, true)) {}
ReserveScope::~ReserveScope() { reserve_flag = previous_; }

bool in_reserve() noexcept { return reserve_flag; }
bool in_handler() noexcept { return handler_flag; }

void refuse(const memory::Meter& meter, int64_t request_bytes, const MemoryBreakdown& breakdown) {
  std::string message = "A request of " + bytes_text(request_bytes) + " does not fit under the limit of " +
                        bytes_text(meter.limit()) + ": " + bytes_text(meter.current()) + " are in use";
  if (meter.reserve() > 0) {
    message += ", " + bytes_text(meter.reserve()) + " are reserved for payloads";
  }
  if (breakdown.floor_bytes > 0 || breakdown.payloads_bytes > 0 || breakdown.parameters_bytes > 0) {
    message += " (" + to_string(breakdown) + ")";
  }
  throw OutOfBudget(message + "; raise the limit or make the batch smaller.", breakdown);
}

}  // namespace cinch::backend
