#include "src/memory/kept_blocks.h"

#include <new>

namespace cinch::memory {

// Lies in the block itself: nothing is allocated where memory is freed.
struct KeptBlocks::Node {
  int64_t bytes;
  Node *older, *newer;            // of all
  Node *older_same, *newer_same;  // of this size
};

void* KeptBlocks::take(int64_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = newest_of_size_.find(bytes);
  if (found == newest_of_size_.end()) return nullptr;
  Node* const node = found->second;
  remove(node);
  return node;
}

bool KeptBlocks::keep(void* block, int64_t bytes) noexcept {
  static_assert(sizeof(Node) == kNodeBytes);
  const std::lock_guard lock(mutex_);
  Node** same = nullptr;
  try {
    same = &newest_of_size_[bytes];
  } catch (const std::bad_alloc&) {
    return false;
  }
  Node* const node = new (block) Node{bytes, newest_, nullptr, *same, nullptr};
  if (*same != nullptr) (*same)->newer_same = node;
  *same = node;
  (newest_ != nullptr ? newest_->newer : oldest_) = node;
  newest_ = node;
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return true;
}

void* KeptBlocks::take_beyond(int64_t most_bytes) noexcept {
  if (bytes() <= most_bytes) return nullptr;  // the usual answer, without the lock
  const std::lock_guard lock(mutex_);
  if (oldest_ == nullptr || bytes() <= most_bytes) return nullptr;
  Node* const node = oldest_;
  remove(node);
  return node;
}

size_t KeptBlocks::sizes() noexcept {
  const std::lock_guard lock(mutex_);
  return newest_of_size_.size();
}

void KeptBlocks::remove(Node* node) noexcept {
  (node->older != nullptr ? node->older->newer : oldest_) = node->newer;
  (node->newer != nullptr ? node->newer->older : newest_) = node->older;
  if (node->older_same != nullptr) node->older_same->newer_same = node->newer_same;
  if (node->newer_same != nullptr)
    node->newer_same->older_same = node->older_same;
  else if (node->older_same != nullptr)
    newest_of_size_.find(node->bytes)->second = node->older_same;
  else
    newest_of_size_.erase(node->bytes);  // payloads have ever other sizes: none may leave an entry behind
  bytes_.fetch_sub(node->bytes, std::memory_order_relaxed);
}

}  // namespace cinch::memory
