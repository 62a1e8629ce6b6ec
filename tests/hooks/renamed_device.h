// The CPU under another device's name, for tests of what the hooks do on devices that are not there.
#pragma once

#include "hooks/guard/guard_engine.h"
#include "src/backend/torch/device_memory.h"

namespace cinch::test {

class RenamedDevice : public backend::DeviceMemory {
 public:
  explicit RenamedDevice(c10::Device device) : device_(device) {}

  c10::Device device() const override { return device_; }
  DeviceKind kind() const override { return cpu_.kind(); }
  memory::Meter& meter() const override { return meter_; }
  int64_t total_bytes() const override { return cpu_.total_bytes(); }
  bool fits(int64_t request_bytes, int64_t) const override {
    return meter_.current() + request_bytes <= meter_.limit() - meter_.reserve();
  }
  at::Tensor empty(int64_t numel, c10::ScalarType type) const override { return cpu_.empty(numel, type); }
  void copy(void* to, const void* from, int64_t bytes) const override { cpu_.copy(to, from, bytes); }
  bool gives_back(const c10::DataPtr& data) const override { return cpu_.gives_back(data); }
  c10::Storage stand_in(int64_t bytes) const override { return cpu_.stand_in(bytes); }
  std::optional<std::function<TensorStats()>> later_stats(const Extent& values) const override {
    return cpu_.later_stats(values);
  }
  bool capturing() const override { return captured; }
  c10::Stream current_stream() const override { return cpu_.current_stream(); }
  void follow(const c10::Stream&) const override {}
  void used_here(const c10::DataPtr&) const override {}
  void describe(CodecContext& context) const override { cpu_.describe(context); }
  void set_overrun_handler(backend::OverrunHandler*) const override {}

  bool captured = false;
  mutable memory::Meter meter_;

 private:
  const backend::DeviceMemory& cpu_ = backend::device_memory(c10::kCPU);
  const c10::Device device_;
};

// The delegating engine is in front from here on.
struct EngineInstalled {
  EngineInstalled() { hooks::install_guard_engine(); }
};

}  // namespace cinch::test
