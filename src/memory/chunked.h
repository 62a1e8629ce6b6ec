// Items by dense number that never move: whoever knows a number reads and writes its item without a lock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace cinch::memory {

// Items are default-constructed and are to be thread-safe themselves. add() is for one thread at a time.
template <typename Item>
class Chunked {
 public:
  static constexpr int32_t kMost = 1 << 20;

  Chunked() : chunks_(std::make_unique<std::atomic<Chunk*>[]>(kMost / kChunk)) {}
  ~Chunked() {
    for (int32_t i = 0; i < kMost / kChunk; ++i) delete chunks_[i].load(std::memory_order_relaxed);
  }
  Chunked(const Chunked&) = delete;
  Chunked& operator=(const Chunked&) = delete;

  int32_t size() const noexcept { return size_.load(std::memory_order_acquire); }
  // The new item's number; -1 when it is full.
  int32_t add() {
    const int32_t index = size_.load(std::memory_order_relaxed);
    if (index >= kMost) return -1;
    if (index % kChunk == 0) chunks_[index / kChunk].store(new Chunk, std::memory_order_release);
    size_.store(index + 1, std::memory_order_release);
    return index;
  }
  // 0 <= index < size().
  Item& operator[](int32_t index) const {
    return (*chunks_[index / kChunk].load(std::memory_order_acquire))[static_cast<size_t>(index % kChunk)];
  }

 private:
  static constexpr int32_t kChunk = 1024;
  using Chunk = std::array<Item, kChunk>;

  std::unique_ptr<std::atomic<Chunk*>[]> chunks_;
  std::atomic<int32_t> size_{0};
};

}  // namespace cinch::memory
