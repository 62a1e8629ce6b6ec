// Payloads in pinned host memory: their copies out and back, in stream order, and those back begun before they are
// asked for. The host never waits for a copy here.
#pragma once

#include <c10/core/Storage.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "hooks/store/departures.h"
#include "src/backend/torch/device_memory.h"

namespace cinch::hooks {

class Offload;

// Dense values that are to go.
struct Cargo {
  c10::Storage storage;
  int64_t begin = 0, numel = 0;  // elements of the storage
  c10::ScalarType type = c10::kFloat;
  uint64_t order = 0;  // of saving
  int64_t bytes() const { return numel * static_cast<int64_t>(c10::elementSize(type)); }
};

// The values of one payload in host memory; ends with it. All but the constants belongs to Offload and its mutex.
class HostCopy {
 public:
  HostCopy(std::shared_ptr<Offload> offload, const Cargo& cargo, uint64_t serial);
  ~HostCopy();
  HostCopy(const HostCopy&) = delete;
  HostCopy& operator=(const HostCopy&) = delete;

 private:
  friend class Offload;
  using Key = std::pair<uint64_t, uint64_t>;
  const std::shared_ptr<Offload> offload_;
  const Key key_;  // order of saving; payloads of one storage by serial
  const int64_t numel_, bytes_;
  const c10::ScalarType type_;
  backend::HostPool::Block block_;
  int64_t fetches_ = 0;
  // A buffer that is being filled before anyone has asked for it.
  c10::Storage early_;
  backend::CopyEventPtr early_copy_;
  bool being_started_ = false;
  // The buffer that nodes share while it lives.
  std::optional<c10::weak_intrusive_ptr<c10::StorageImpl>> live_;
  backend::CopyEventPtr live_copy_;
};

class Offload : public std::enable_shared_from_this<Offload> {
 public:
  // Below this nothing is offloaded. A copy's fixed costs, about 10 microseconds, are then a quarter of its time at
  // least; and torch's CUDA allocator cuts requests of up to 1 MiB out of shared segments, of which freeing one piece
  // gives nothing back: the copies under way would only add.
  static constexpr int64_t kLeastBytes = (int64_t{1} << 20) + 1;
  // So much may be on its way out, or one payload; for more, the saving stream waits. Without a bound the host, which
  // runs ahead of the device, would find nothing returned before the backward. About 5 ms of copying.
  static constexpr int64_t kDepartingBytes = int64_t{128} << 20;
  // So much may be on its way back before it is asked for. The next payload may always, if it fits under the limit.
  static constexpr int64_t kEarlyBytes = int64_t{64} << 20;

  // Null for a device without a pool.
  static std::shared_ptr<Offload> make(const backend::DeviceMemory& memory);
  explicit Offload(const backend::DeviceMemory& memory) : memory_(memory), departures_(memory) {}

  // Starts the copy out. The caller has made the current stream follow what made the values, and may drop them at once.
  // Null, and nothing has happened: too small, no room in the pool, or a graph is being captured.
  std::shared_ptr<HostCopy> start(const Cargo& cargo);
  // The values in a buffer of their size; what follows on the current stream may read it. `shared`: nobody writes into
  // it, so that others may get the same one. Throws while a graph is captured.
  c10::Storage fetch(HostCopy& copy, bool shared);

  // Lets go of device memory whose copies are over.
  void retire() { departures_.retire(); }
  // Gives one piece of device memory back: of what is leaving the oldest, else what was brought back early and will be
  // asked for last. The current stream waits, not the host. Answers its bytes; 0: there is nothing.
  int64_t give_back();
  // What was brought back early and never asked for goes.
  void drop_early();
  // While someone writes down how many bytes are in use, none may be there that the plain course would not have:
  // streams wait for each copy at once, and nothing is brought back early.
  void set_watched(bool watched);

 private:
  friend class HostCopy;
  int64_t drop_one_early();
  backend::CopyEventPtr copy_in(HostCopy& copy, const c10::Storage& to);  // mutex held
  // Copies back what was saved before, the latest first: the order in which a backward asks.
  void bring_back_before(const HostCopy& asked);
  std::shared_ptr<HostCopy> next_before(const HostCopy& asked);
  bool start_early(HostCopy& copy);
  void ended(HostCopy& copy);

  const backend::DeviceMemory& memory_;
  Departures departures_;
  std::mutex mutex_;
  std::map<HostCopy::Key, std::weak_ptr<HostCopy>> copies_;
  uint64_t next_serial_ = 0;
  int64_t early_bytes_ = 0;
  std::atomic<bool> watched_{false};
};

}  // namespace cinch::hooks
