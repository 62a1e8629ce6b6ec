#include "hooks/store/departures.h"

#include <utility>
#include <vector>

namespace cinch::hooks {
namespace {

int64_t bytes_of(const c10::Storage& storage) { return static_cast<int64_t>(storage.nbytes()); }

}  // namespace

Departures::~Departures() {
  try {
    while (take_back_oldest() > 0) {
    }
  } catch (const std::exception&) {
    // The device does not answer any more.
  }
  // What no stream can wait for now is leaked: better than memory that a copy still reads or writes.
  if (!queue_.empty()) new std::deque<Departing>(std::move(queue_));
}

void Departures::add(c10::Storage storage, backend::CopyEventPtr copy) {
  const std::lock_guard<std::mutex> lock(mutex_);
  bytes_.fetch_add(bytes_of(storage));
  queue_.push_back({std::move(storage), std::move(copy)});
}

void Departures::retire() {
  if (bytes() == 0 || memory_.host_pool()->copies().capturing()) return;
  std::vector<Departing> gone;  // let go of outside the lock: a deleter may run any code
  const std::lock_guard<std::mutex> lock(mutex_);
  // Copies of one direction end in their order: the first that is not over ends the questions.
  while (!queue_.empty() && queue_.front().copy->done()) {
    bytes_.fetch_sub(bytes_of(queue_.front().storage));
    gone.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
}

int64_t Departures::take_back_oldest() {
  if (bytes() == 0 || memory_.host_pool()->copies().capturing()) return 0;
  Departing oldest;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (queue_.empty()) return 0;
    oldest = std::move(queue_.front());
    queue_.pop_front();
    bytes_.fetch_sub(bytes_of(oldest.storage));
  }
  oldest.copy->wait_here();
  // The memory may belong to another stream: that one has to wait for this one then.
  memory_.used_here(oldest.storage.data_ptr());
  return bytes_of(oldest.storage);
}

}  // namespace cinch::hooks
