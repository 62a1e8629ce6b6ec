/// Blocks of memory that were freed and wait to be given out again, by their exact size. Any thread.
///
/// A training allocates the same sizes in every step. A general heap that gets large blocks back merges, splits and
/// searches them each time (glibc keeps all of 512 KiB and more in one list); here a block is found by its size.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace cinch::memory {

class KeptBlocks {
 public:
  static constexpr int64_t kNodeBytes = 40;

  /// A block of so many bytes, the one that was freed last, or nullptr. It is the caller's.
  void* take(int64_t bytes) noexcept;
  /// Keeps a block; its first kNodeBytes are written over. False where there is no memory to note its size: the block
  /// stays the caller's.
  bool keep(void* block, int64_t bytes) noexcept;
  /// Where more than `most_bytes` are kept: the block that has waited longest, which is the caller's then; else
  /// nullptr.
  void* take_beyond(int64_t most_bytes) noexcept;

  int64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
  /// Different sizes among what is kept.
  size_t sizes() noexcept;

  /// Round a fork, so that the child finds the lock free.
  void lock() noexcept { mutex_.lock(); }
  void unlock() noexcept { mutex_.unlock(); }

 private:
  struct Node;
  void remove(Node* node) noexcept;

  std::mutex mutex_;
  std::unordered_map<int64_t, Node*> newest_of_size_;
  Node* oldest_ = nullptr;
  Node* newest_ = nullptr;
  std::atomic<int64_t> bytes_{0};
};

}  // namespace cinch::memory
