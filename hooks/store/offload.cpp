#include "hooks/store/offload.h"

#include <c10/util/Exception.h>

#include <iterator>
#include <vector>

namespace cinch::hooks {

HostCopy::HostCopy(std::shared_ptr<Offload> offload, const Cargo& cargo, uint64_t serial)
    : offload_(std::move(offload)),
      key_(cargo.order, serial),
      numel_(cargo.numel),
      bytes_(cargo.bytes()),
      type_(cargo.type) {}

HostCopy::~HostCopy() { offload_->ended(*this); }

std::shared_ptr<Offload> Offload::make(const backend::DeviceMemory& memory) {
  return memory.host_pool() == nullptr ? nullptr : std::make_shared<Offload>(memory);
}

std::shared_ptr<HostCopy> Offload::start(const Cargo& cargo) {
  backend::HostPool& pool = *memory_.host_pool();
  if (cargo.bytes() < kLeastBytes || pool.copies().capturing()) return nullptr;
  auto block = pool.take(cargo.bytes());
  if (!block) return nullptr;
  while (departures_.bytes() + cargo.bytes() > kDepartingBytes && departures_.take_back_oldest() > 0) {
  }
  const int64_t begin_bytes = cargo.begin * static_cast<int64_t>(c10::elementSize(cargo.type));
  block.last_copy = pool.copies().copy_out(block.memory(), cargo.storage, begin_bytes, cargo.bytes(), block.last_copy);
  if (watched_) {
    block.last_copy->wait_here();
    memory_.used_here(cargo.storage.data_ptr());
  } else {
    departures_.add(cargo.storage, block.last_copy);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  auto copy = std::make_shared<HostCopy>(shared_from_this(), cargo, next_serial_++);
  copy->block_ = std::move(block);
  copies_[copy->key_] = copy;
  return copy;
}

// With the mutex, so that the block's last copy is the last one on the stream.
backend::CopyEventPtr Offload::copy_in(HostCopy& copy, const c10::Storage& to) {
  copy.block_.last_copy =
      memory_.host_pool()->copies().copy_in(to, copy.block_.memory(), copy.bytes_, copy.block_.last_copy);
  return copy.block_.last_copy;
}

c10::Storage Offload::fetch(HostCopy& copy, bool shared) {
  TORCH_CHECK(!memory_.host_pool()->copies().capturing(),
              "cinch: a saved tensor was offloaded to host memory before the capture of this CUDA graph began; capture "
              "its forward too, or leave `offload` out of the budget's `allow`");
  retire();
  c10::Storage buffer;
  backend::CopyEventPtr filled;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++copy.fetches_;
    if (shared && copy.live_) {
      if (auto live = copy.live_->lock()) {
        buffer = c10::Storage(std::move(live));
        filled = copy.live_copy_;
      }
    }
    if (!buffer && copy.early_) {
      buffer = std::exchange(copy.early_, {});
      filled = std::move(copy.early_copy_);
      early_bytes_ -= copy.bytes_;
    }
  }
  if (!buffer) {
    // Outside the lock: the request may ask for room, which is made here too.
    buffer = memory_.empty(copy.numel_, copy.type_).storage();
    const std::lock_guard<std::mutex> lock(mutex_);
    filled = copy_in(copy, buffer);
  }
  filled->wait_here();
  memory_.used_here(buffer.data_ptr());
  if (shared) {
    const std::lock_guard<std::mutex> lock(mutex_);
    copy.live_ = buffer.getWeakStorageImpl();
    copy.live_copy_ = std::move(filled);
  }
  if (!watched_) bring_back_before(copy);
  return buffer;
}

void Offload::bring_back_before(const HostCopy& asked) {
  while (const auto next = next_before(asked))
    if (!start_early(*next)) return;
}

std::shared_ptr<HostCopy> Offload::next_before(const HostCopy& asked) {
  std::vector<std::shared_ptr<HostCopy>> others;  // a last reference must not go under the lock: its end takes the lock
  const std::lock_guard<std::mutex> lock(mutex_);
  if (early_bytes_ >= kEarlyBytes) return nullptr;
  for (auto it = std::make_reverse_iterator(copies_.lower_bound(asked.key_)); it != copies_.rend(); ++it) {
    auto copy = it->second.lock();
    if (!copy) continue;
    others.push_back(copy);
    // What this backward has had already is not asked for again: a retained graph keeps it.
    if (copy->fetches_ >= asked.fetches_ || copy->early_ || copy->being_started_) continue;
    if (early_bytes_ > 0 && early_bytes_ + copy->bytes_ > kEarlyBytes) return nullptr;
    copy->being_started_ = true;
    early_bytes_ += copy->bytes_;
    return copy;
  }
  return nullptr;
}

bool Offload::start_early(HostCopy& copy) {
  const auto undo = [&] {
    const std::lock_guard<std::mutex> lock(mutex_);
    copy.being_started_ = false;
    early_bytes_ -= copy.bytes_;
    return false;
  };
  if (!memory_.has_room(copy.bytes_)) return undo();
  try {
    c10::Storage buffer;
    {
      const backend::ReserveScope never_ask_for_room;
      buffer = memory_.empty(copy.numel_, copy.type_).storage();
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    copy.early_copy_ = copy_in(copy, buffer);
    copy.early_ = std::move(buffer);
    copy.being_started_ = false;
  } catch (const c10::OutOfMemoryError&) {
    return undo();
  } catch (...) {
    undo();
    throw;
  }
  return true;
}

void Offload::ended(HostCopy& copy) {
  const std::lock_guard<std::mutex> lock(mutex_);
  copies_.erase(copy.key_);
  if (!copy.early_) return;
  early_bytes_ -= copy.bytes_;
  departures_.add(std::exchange(copy.early_, {}), std::move(copy.early_copy_));
}

int64_t Offload::give_back() {
  const int64_t bytes = departures_.take_back_oldest();
  return bytes > 0 ? bytes : drop_one_early();
}

int64_t Offload::drop_one_early() {
  if (memory_.host_pool()->copies().capturing()) return 0;
  c10::Storage buffer;
  backend::CopyEventPtr copying;
  std::vector<std::shared_ptr<HostCopy>> others;  // see next_before
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [key, weak] : copies_) {  // the oldest is asked for last
      auto copy = weak.lock();
      if (!copy) continue;
      others.push_back(copy);
      if (!copy->early_) continue;
      buffer = std::exchange(copy->early_, {});
      copying = std::move(copy->early_copy_);
      early_bytes_ -= copy->bytes_;
      break;
    }
  }
  if (!buffer) return 0;
  copying->wait_here();
  memory_.used_here(buffer.data_ptr());
  return static_cast<int64_t>(buffer.nbytes());
}

void Offload::set_watched(bool watched) {
  watched_ = watched;
  if (!watched) return;
  drop_early();
  while (departures_.take_back_oldest() > 0) {
  }
}

void Offload::drop_early() {
  departures_.retire();
  while (drop_one_early() > 0) {
  }
}

}  // namespace cinch::hooks
