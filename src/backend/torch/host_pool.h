/// Pinned host memory with a bound, for payloads of a device. Pinning is slow (the system locks each page), so blocks
/// are kept and given out again by size class; a training loop pins in its first iteration only. Unpinning waits for
/// all of the device's work: it happens between iterations alone, in settle(). Any thread.
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

  /// At least `bytes` bytes; an empty block where the bound or the system has no room. Idle blocks of other sizes are
  /// in the way of a request too; settle() makes room for those that came since it was called last.
  Block take(int64_t bytes);

  /// For the time between two iterations. Unpins blocks that no iteration seems to want any more (more of their size
  /// than were on loan at once since the last call), until what take() had to refuse because of them would fit, and
  /// any idle ones while more is pinned than the bound. Blocks that a copy still touches stay, and while a graph is
  /// captured nothing is done.
  void settle();

  /// What a request of so many bytes really takes: classes are four to a power of two, so at most a quarter more.
  static int64_t class_bytes(int64_t bytes) noexcept;

  /// Pinned bytes never exceed it. Unpins at once what is idle. A bound below what is on loan takes effect with
  /// settle(); a bound of 0 as blocks come back, since then there may be nobody left to call that.
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
  struct SizeClass {
    std::vector<Free> free;
    int64_t on_loan = 0;
    int64_t most = 0;  // highest on_loan since settle()
  };
  // With the mutex held, but for put_back().
  void unpin_down_to(int64_t bytes, bool spare_only);
  bool unpin_one(bool spare_only);
  void put_back(void* memory, int64_t bytes, CopyEventPtr last_copy);

  const std::unique_ptr<HostCopies> copies_;
  std::mutex mutex_;
  std::map<int64_t, SizeClass> classes_;  // by bytes
  int64_t refused_bytes_ = 0;             // since settle(), for idle blocks of other sizes
  std::atomic<int64_t> bound_{0}, current_{0}, peak_{0}, pinned_{0};
};

}  // namespace cinch::backend
