// The CPU with streams whose work happens late: each stream is a queue, and what is queued runs when a test says so, or
// when something that waits for it runs. Memory that is freed is overwritten with garbage in the order of its stream,
// as by whoever gets it next there. So whatever forgets to wait reads garbage.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <vector>

#include "src/backend/torch/device_memory.h"

namespace cinch::test {

class LateDevice final : public backend::DeviceMemory {
 public:
  static constexpr int64_t kOut = 1001, kIn = 1002;  // the copy streams

  // Eager: streams that compute do so at once, in host memory of torch, and only copies are late.
  explicit LateDevice(bool eager = false);
  ~LateDevice() override;

  c10::Device device() const override { return c10::Device(c10::kCPU); }
  DeviceKind kind() const override { return kind_in_name; }
  DeviceKind kind_in_name = DeviceKind::kCpu;  // for what only asks; codecs still find host memory
  memory::Meter& meter() const override { return eager_ ? cpu_.meter() : meter_; }
  int64_t total_bytes() const override { return cpu_.total_bytes(); }
  bool fits(int64_t request_bytes, int64_t) const override { return has_room(request_bytes); }
  std::optional<std::function<TensorStats()>> later_stats(const Extent& values) const override {
    return cpu_.later_stats(values);
  }
  bool capturing() const override { return captures; }
  at::Tensor empty(int64_t numel, c10::ScalarType type) const override;
  void copy(void* to, const void* from, int64_t bytes) const override { cpu_.copy(to, from, bytes); }
  bool gives_back(const c10::DataPtr& data) const override;
  c10::Storage stand_in(int64_t bytes) const override { return cpu_.stand_in(bytes); }
  c10::Stream current_stream() const override { return c10::Stream(c10::Stream::UNSAFE, device(), current); }
  void follow(const c10::Stream& earlier) const override;
  void used_here(const c10::DataPtr& data) const override;
  void describe(CodecContext& context) const override { cpu_.describe(context); }
  void set_overrun_handler(backend::OverrunHandler* handler) const override {
    if (eager_) cpu_.set_overrun_handler(handler);
  }
  backend::HostPool* host_pool() const override { return pool_.get(); }

  // A tensor in the device's memory, made on the current stream; its values are garbage.
  at::Tensor tensor(int64_t numel) const { return empty(numel, c10::kFloat); }
  // Queues work on the current stream.
  void later(std::function<void()> work) const;
  // Runs what is queued on a stream, and what that waits for.
  void run(int64_t stream) const;
  // Runs everything: streams that compute first, the copies last, as late as they may.
  void run_all() const;
  bool idle(int64_t stream) const;
  // Nothing has written into memory after it was freed. After run_all().
  bool freed_memory_is_left_alone() const;

  // What the copies were asked for, in order: the device's address of each.
  mutable std::vector<const void*> outs, ins;
  // Copies that found their memory gone (eager: garbage does not show there).
  mutable int64_t too_late = 0;
  mutable int64_t pins = 0, unpins = 0;
  bool captures = false, copies_fail = false, pins_fail = false;
  static thread_local int64_t current;

 private:
  friend class LateCopies;
  friend class LateEvent;
  using Point = std::pair<int64_t, size_t>;  // the first so many works of a stream
  struct Work {
    std::function<void()> run;
    std::vector<Point> after;
  };
  struct Queue {
    std::vector<Work> works;
    size_t done = 0;
  };
  struct Block {
    const LateDevice* device;
    std::vector<char> room;
    std::span<char> bytes;  // aligned
    int64_t stream;
    std::set<int64_t> users;
  };
  static void release(void* block);
  Point end_of(int64_t stream) const { return {stream, streams_[stream].works.size()}; }
  Point queue(int64_t stream, std::function<void()> work, std::vector<Point> after) const;
  void run_until(const Point& point) const;

  const bool eager_;
  const DeviceMemory& cpu_ = backend::device_memory(c10::kCPU);
  mutable memory::Meter meter_;
  mutable std::recursive_mutex mutex_;
  mutable std::map<int64_t, Queue> streams_;
  mutable std::vector<std::unique_ptr<Block>> freed_;  // kept: what comes too late is then wrong, not a crash
  mutable std::vector<std::unique_ptr<std::vector<char>>> pinned_;
  std::unique_ptr<backend::HostPool> pool_;
};

}  // namespace cinch::test
