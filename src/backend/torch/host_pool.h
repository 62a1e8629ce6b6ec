/// Pinned host memory with a bound, for payloads of a device. Pinning is slow (the system locks each page), so blocks
/// are kept and given out again by size class; a training loop pins in its first iteration only. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "src/backend/torch/host_copies.h"

namespace cinch::backend {

class HostPool {
 public:
  /// Begins with a bound of 0: nothing is given out.
  explicit HostPool(std::unique_ptr<HostCopies> copies);
  ~HostPool();
  HostPool(const HostPool&) = delete;
  HostPool& operator=(const HostPool&) = delete;

  /// A block on loan; goes back when it ends.
  class Block {
   public:
    Block() = default;
    Block(Block&& other) noexcept { *this = std::move(other); }
    Block& operator=(Block&& other) noexcept;
    ~Block() { give_back(); }

    explicit operator bool() const noexcept { return memory_ != nullptr; }
    void* memory() const noexcept { return memory_; }
    /// The last copy that reads or writes it. Whoever gets it next has its own copy run after that one.
    CopyEventPtr last_copy;

   private:
    friend class HostPool;
    void give_back() noexcept;
    HostPool* pool_ = nullptr;
    void* memory_ = nullptr;
    int64_t bytes_ = 0;
  };

  /// At least `bytes` bytes; an empty block where the bound or the system has no room.
  Block take(int64_t bytes);

  /// What a request of so many bytes really takes: classes are four to a power of two, so at most a quarter more.
  static int64_t class_bytes(int64_t bytes) noexcept;

  /// Pinned bytes never exceed it. A bound below what is on loan takes effect as blocks come back.
  void set_bound(int64_t bytes);
  int64_t bound() const noexcept { return bound_.load(std::memory_order_relaxed); }
  /// On loan, in whole classes.
  int64_t current() const noexcept { return current_.load(std::memory_order_relaxed); }
  /// Highest current() since the last reset_peak().
  int64_t peak() const noexcept { return peak_.load(std::memory_order_relaxed); }
  void reset_peak() noexcept;
  /// On loan or kept for the next request.
  int64_t pinned() const noexcept { return pinned_.load(std::memory_order_relaxed); }

  HostCopies& copies() const noexcept { return *copies_; }

 private:
  struct Free {
    void* memory;
    CopyEventPtr last_copy;
  };
  // Both with the mutex held.
  bool make_room(int64_t bytes);
  bool unpin_one();
  void put_back(void* memory, int64_t bytes, CopyEventPtr last_copy);

  const std::unique_ptr<HostCopies> copies_;
  std::mutex mutex_;
  std::map<int64_t, std::vector<Free>> free_;  // by class
  std::atomic<int64_t> bound_{0}, current_{0}, peak_{0}, pinned_{0};
};

}  // namespace cinch::backend
