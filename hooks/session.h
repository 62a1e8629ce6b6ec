// What one guard shares with the hooks of its threads.
#pragma once

#include <c10/util/ThreadLocalDebugInfo.h>

#include <atomic>
#include <memory>

#include "hooks/layers.h"
#include "hooks/observe/gradient_watch.h"
#include "hooks/replay/replay.h"
#include "hooks/sites.h"
#include "hooks/store/store.h"

namespace cinch::hooks {

struct Session {
  Session(const backend::DeviceMemory& memory, uint64_t seed)
      : sites(std::make_shared<Sites>()),
        store(std::make_shared<Store>(memory, sites, seed)),
        replay(std::make_shared<Replay>(sites)),
        gradients(std::make_shared<GradientWatch>()) {}

  Layers layers;
  std::shared_ptr<Sites> sites;
  std::shared_ptr<Store> store;
  std::shared_ptr<Replay> replay;
  std::shared_ptr<GradientWatch> gradients;
  const uint64_t serial = next_serial();  // never used twice, unlike an address
  std::atomic<bool> active{true};
  // The session that was on when this one was switched on: guards of other devices share a thread.
  std::shared_ptr<Session> outer;
  std::atomic<uint64_t> iteration{0};
  std::atomic<int64_t> backwards_since_step{0};
  std::atomic<uint64_t> fingerprint{0};  // of this iteration's saves; the same for every order of threads

  void note_site(SiteId site) { fingerprint.fetch_add((*sites)[site].hash * 1099511628211ull); }

 private:
  static uint64_t next_serial() {
    static std::atomic<uint64_t> last{0};
    return ++last;
  }
};

// The switch: travels with torch's thread-local state into the threads that torch starts (unlike a plain thread_local).
class SessionInfo final : public c10::DebugInfoBase {
 public:
  explicit SessionInfo(std::shared_ptr<Session> s) : session(std::move(s)) {}
  const std::shared_ptr<Session> session;
};

// Turns saving through `session` on for this thread, beside the sessions that are on. Throws Error when another library
// uses the same slot.
void switch_on(const std::shared_ptr<Session>& session);
// Takes the switch off this thread's state, now or with those on top of it; elsewhere `active = false` does.
void switch_off(const std::shared_ptr<Session>& session) noexcept;
// The innermost active session of this thread, or null.
std::shared_ptr<Session> current_session();
// Of `session` and those round it the active one for a device, or null.
std::shared_ptr<Session> session_of(const std::shared_ptr<Session>& session, c10::Device device);

// Who saves `tensor` now: op, slot, layer, need. Called inside pack.
Want identify(Session& session, const at::Tensor& tensor);
// The same where the tensor is passed through: it takes its slot, and its place in a pair.
Want identify_passed(Session& session, const at::Tensor& tensor);

}  // namespace cinch::hooks
