#include "tests/hooks/late_device.h"

#include <ATen/EmptyTensor.h>
#include <c10/core/TensorImpl.h>

#include <algorithm>
#include <cstring>

namespace cinch::test {

namespace {

constexpr size_t kAlignment = 64;
constexpr char kGarbage = '\x77';

}  // namespace

thread_local int64_t LateDevice::current = 0;

class LateEvent final : public backend::CopyEvent {
 public:
  LateEvent(const LateDevice& device, std::pair<int64_t, size_t> point) : device_(device), point_(point) {}
  bool done() const override {
    const std::lock_guard lock(device_.mutex_);
    if (device_.captures) throw std::runtime_error("an event was asked during capture");
    return device_.streams_[point_.first].done >= point_.second;
  }
  void wait_here() const override {
    const std::lock_guard lock(device_.mutex_);
    if (device_.captures) throw std::runtime_error("an event was waited for during capture");
    if (device_.eager_) return device_.run_until(point_);
    device_.queue(LateDevice::current, [] {}, {point_});
  }
  const std::pair<int64_t, size_t>& point() const { return point_; }

 private:
  const LateDevice& device_;
  const std::pair<int64_t, size_t> point_;
};

class LateCopies final : public backend::HostCopies {
 public:
  explicit LateCopies(const LateDevice& device) : device_(device) {}

  void* pin(int64_t bytes) override {
    if (device_.pins_fail) return nullptr;
    ++device_.pins;
    device_.pinned_.push_back(std::make_unique<std::vector<char>>(bytes));
    return device_.pinned_.back()->data();
  }
  // Kept until the device ends, overwritten at once.
  void unpin(void* memory) noexcept override {
    ++device_.unpins;
    for (const auto& block : device_.pinned_)
      if (block->data() == memory) std::ranges::fill(*block, '\x5a');
  }
  backend::CopyEventPtr copy_out(void* to, const c10::Storage& from, int64_t offset_bytes, int64_t bytes,
                                 const backend::CopyEventPtr& after) override {
    device_.outs.push_back(from.data());
    const auto* source = static_cast<const char*>(from.data()) + offset_bytes;
    return copy(LateDevice::kOut, from, to, source, bytes, after);
  }
  backend::CopyEventPtr copy_in(const c10::Storage& to, const void* from, int64_t bytes,
                                const backend::CopyEventPtr& after) override {
    device_.ins.push_back(to.data());
    return copy(LateDevice::kIn, to, to.mutable_data(), from, bytes, after);
  }
  bool capturing() const override { return device_.captures; }
  double bytes_per_second() override { return 1e9; }

 private:
  backend::CopyEventPtr copy(int64_t stream, const c10::Storage& storage, void* to, const void* from, int64_t bytes,
                             const backend::CopyEventPtr& after) {
    const std::lock_guard lock(device_.mutex_);
    if (device_.copies_fail) throw std::runtime_error("the copy failed");
    std::vector<LateDevice::Point> points{device_.end_of(LateDevice::current)};
    if (after) points.push_back(static_cast<const LateEvent&>(*after).point());
    auto weak = std::make_shared<c10::weak_intrusive_ptr<c10::StorageImpl>>(storage.getWeakStorageImpl());
    const auto work = [this, weak, to, from, bytes] {
      if (device_.eager_ && weak->expired()) {
        ++device_.too_late;
        return;
      }
      std::memcpy(to, from, static_cast<size_t>(bytes));
    };
    return std::make_shared<LateEvent>(device_, device_.queue(stream, work, std::move(points)));
  }

  const LateDevice& device_;
};

LateDevice::LateDevice(bool eager)
    : eager_(eager), pool_(std::make_unique<backend::HostPool>(std::make_unique<LateCopies>(*this))) {}

LateDevice::~LateDevice() { run_all(); }

at::Tensor LateDevice::empty(int64_t numel, c10::ScalarType type) const {
  if (eager_) return cpu_.empty(numel, type);
  const std::lock_guard lock(mutex_);
  const auto bytes = numel * static_cast<int64_t>(c10::elementSize(type));
  auto block = std::make_unique<Block>();
  block->device = this;
  block->room.resize(static_cast<size_t>(bytes) + kAlignment, '\x3c');
  const auto past = reinterpret_cast<uintptr_t>(block->room.data()) % kAlignment;
  block->bytes = {block->room.data() + (kAlignment - past) % kAlignment, static_cast<size_t>(bytes)};
  block->stream = current;
  meter_.add(bytes);
  void* data = block->bytes.data();
  c10::Storage storage(c10::Storage::use_byte_size_t(), static_cast<size_t>(bytes),
                       c10::DataPtr(data, block.release(), &release, device()), nullptr, false);
  auto tensor = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), c10::DispatchKeySet(c10::DispatchKey::CPU),
                                                         c10::scalarTypeToTypeMeta(type));
  tensor.unsafeGetTensorImpl()->set_sizes_contiguous({numel});
  return tensor;
}

void LateDevice::release(void* data) {
  std::unique_ptr<Block> block(static_cast<Block*>(data));
  const LateDevice& device = *block->device;
  const std::lock_guard lock(device.mutex_);
  device.meter_.sub(static_cast<int64_t>(block->bytes.size()));
  std::vector<Point> after;
  for (const int64_t user : block->users) after.push_back(device.end_of(user));
  device.queue(
      block->stream, [bytes = block->bytes] { std::ranges::fill(bytes, kGarbage); }, std::move(after));
  device.freed_.push_back(std::move(block));
}

bool LateDevice::gives_back(const c10::DataPtr& data) const {
  return eager_ ? cpu_.gives_back(data) : data.get_deleter() == &release;
}

void LateDevice::follow(const c10::Stream& earlier) const {
  const std::lock_guard lock(mutex_);
  if (earlier.id() != current) queue(current, [] {}, {end_of(earlier.id())});
}

void LateDevice::used_here(const c10::DataPtr& data) const {
  const std::lock_guard lock(mutex_);
  if (data.get_deleter() == &release) static_cast<Block*>(data.get_context())->users.insert(current);
}

LateDevice::Point LateDevice::queue(int64_t stream, std::function<void()> work, std::vector<Point> after) const {
  streams_[stream].works.push_back({std::move(work), std::move(after)});
  return end_of(stream);
}

void LateDevice::later(std::function<void()> work) const {
  const std::lock_guard lock(mutex_);
  queue(current, std::move(work), {});
}

void LateDevice::run_until(const Point& point) const {
  while (streams_[point.first].done < point.second) {
    // A copy: running it may add to the queue.
    const Work work = streams_[point.first].works[streams_[point.first].done];
    for (const Point& before : work.after) run_until(before);
    work.run();
    ++streams_[point.first].done;
  }
}

void LateDevice::run(int64_t stream) const {
  const std::lock_guard lock(mutex_);
  run_until(end_of(stream));
}

void LateDevice::run_all() const {
  const std::lock_guard lock(mutex_);
  std::vector<int64_t> ids;
  for (const auto& [id, queue] : streams_) ids.push_back(id);
  for (const int64_t id : ids) run_until(end_of(id));  // the copy streams have the highest numbers
}

bool LateDevice::freed_memory_is_left_alone() const {
  const std::lock_guard lock(mutex_);
  return std::ranges::all_of(freed_, [](const auto& block) {
    return std::ranges::all_of(block->bytes, [](char byte) { return byte == kGarbage; });
  });
}

bool LateDevice::idle(int64_t stream) const {
  const std::lock_guard lock(mutex_);
  return streams_[stream].done == streams_[stream].works.size();
}

}  // namespace cinch::test
