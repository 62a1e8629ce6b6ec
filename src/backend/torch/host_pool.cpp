#include "src/backend/torch/host_pool.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "src/memory/atomic_max.h"

namespace cinch::backend {
namespace {

// The smallest class: below it the table of classes would grow and no copy be worth its call.
constexpr int64_t kSmallestClass = 4096;

bool is_over(const CopyEventPtr& event) { return event == nullptr || event->done(); }

}  // namespace

HostPool::HostPool(std::unique_ptr<HostCopies> copies) : copies_(std::move(copies)) {}

// A device's pool lives as long as the process; those of tests end after all of their copies.
HostPool::~HostPool() {
  for (auto& [bytes, size_class] : classes_)
    for (const Free& block : size_class.free) copies_->unpin(block.memory);
}

int64_t HostPool::class_bytes(int64_t bytes) noexcept {
  if (bytes <= kSmallestClass) return kSmallestClass;
  const auto step = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(bytes - 1))) / 4;
  return (bytes + step - 1) / step * step;
}

HostPool::Block HostPool::take(int64_t bytes) {
  const int64_t size = class_bytes(bytes);
  Block block;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (current() + size > bound()) return block;
  SizeClass& size_class = classes_[size];
  auto& blocks = size_class.free;
  if (!blocks.empty()) {
    // One whose copies are over costs the next copy no wait.
    auto it = blocks.end() - 1;
    if (!copies_->capturing()) {
      const auto ready = std::find_if(blocks.begin(), blocks.end(), [](const Free& f) { return is_over(f.last_copy); });
      if (ready != blocks.end()) it = ready;
    }
    block.memory_ = it->memory;
    block.last_copy = std::move(it->last_copy);
    blocks.erase(it);
  } else {
    if (pinned() + size > bound()) {
      refused_bytes_ += size;
      return block;
    }
    block.memory_ = copies_->pin(size);
    if (block.memory_ == nullptr) return block;
    pinned_.fetch_add(size);
  }
  block.pool_ = this;
  block.bytes_ = size;
  size_class.most = std::max(size_class.most, ++size_class.on_loan);
  memory::raise_to(peak_, current_.fetch_add(size) + size);
  return block;
}

void HostPool::settle() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (copies_->capturing()) return;
  unpin_down_to(bound() - std::min(std::exchange(refused_bytes_, 0), bound()), true);
  unpin_down_to(bound(), false);
  for (auto& [bytes, size_class] : classes_) size_class.most = size_class.on_loan;
}

void HostPool::unpin_down_to(int64_t bytes, bool spare_only) {
  while (pinned() > bytes && unpin_one(spare_only)) {
  }
}

// The largest block that nobody uses and no copy touches.
bool HostPool::unpin_one(bool spare_only) {
  if (copies_->capturing()) return false;
  for (auto it = classes_.rbegin(); it != classes_.rend(); ++it) {
    SizeClass& size_class = it->second;
    auto& blocks = size_class.free;
    if (spare_only && static_cast<int64_t>(blocks.size()) + size_class.on_loan <= size_class.most) continue;
    const auto idle = std::find_if(blocks.begin(), blocks.end(), [](const Free& f) { return is_over(f.last_copy); });
    if (idle == blocks.end()) continue;
    copies_->unpin(idle->memory);
    blocks.erase(idle);
    pinned_.fetch_sub(it->first);
    return true;
  }
  return false;
}

void HostPool::set_bound(int64_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  bound_.store(bytes);
  unpin_down_to(bytes, false);
}

void HostPool::reset_peak() noexcept {
  peak_.store(current());
  memory::raise_to(peak_, current());
}

void HostPool::put_back(void* memory, int64_t bytes, CopyEventPtr last_copy) {
  const std::lock_guard<std::mutex> lock(mutex_);
  current_.fetch_sub(bytes);
  SizeClass& size_class = classes_[bytes];
  --size_class.on_loan;
  size_class.free.push_back({memory, std::move(last_copy)});
  if (bound() == 0) unpin_down_to(0, false);
}

HostPool::Block& HostPool::Block::operator=(Block&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  last_copy = std::move(other.last_copy);
  pool_ = std::exchange(other.pool_, nullptr);
  memory_ = std::exchange(other.memory_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

void HostPool::Block::give_back() noexcept {
  try {
    if (memory_ != nullptr) pool_->put_back(std::exchange(memory_, nullptr), bytes_, std::move(last_copy));
  } catch (const std::exception&) {
    // A device that answers no more questions: what it may still write to must stay pinned.
  }
  pool_ = nullptr;
}

}  // namespace cinch::backend
