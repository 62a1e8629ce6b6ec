/// A CUDA allocator over the one that was there. It forwards everything; where the other one runs out of memory, it has
/// payloads coded further and asks again. The limit itself is the other one's memory fraction.
#pragma once

#include <c10/cuda/CUDACachingAllocator.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "src/backend/torch/overrun.h"
#include "src/memory/meter.h"

namespace cinch::backend {

/// What the allocator asks of the machine; tests answer themselves.
class CudaState {
 public:
  virtual ~CudaState() = default;
  virtual c10::DeviceIndex current_device() const = 0;
  /// The current stream records a graph: nothing may be coded, freed or waited for.
  virtual bool capturing() const = 0;
};

class ReclaimingAllocator final : public c10::cuda::CUDACachingAllocator::CUDAAllocator {
 public:
  using CUDAAllocator = c10::cuda::CUDACachingAllocator::CUDAAllocator;

  /// Neither is owned; both live as long as this. `devices`: how many there are; what upstream has given out on them by
  /// now is counted. Throws Error for an upstream that cannot be wrapped, by its name.
  ReclaimingAllocator(CUDAAllocator* upstream, const CudaState* state, int devices);

  /// Reserved bytes of a device, exact: followed segment by segment. limit() is what set_limit() was told.
  memory::Meter& meter(c10::DeviceIndex device) { return devices_[static_cast<size_t>(device)].reserved; }
  /// Bytes handed out to tensors, of the same device; what is kept back for payloads is not among them.
  memory::Meter& allocated(c10::DeviceIndex device) { return devices_[static_cast<size_t>(device)].allocated; }
  HandlerSlot& handler(c10::DeviceIndex device) { return devices_[static_cast<size_t>(device)].handler; }
  /// Limits reserved bytes; `total_bytes` is the device's memory. memory::Meter::kNoLimit lifts it.
  void set_limit(c10::DeviceIndex device, int64_t bytes, int64_t total_bytes);
  /// Keeps so many bytes back for payloads being made while memory is short; 0 gives them up. Follows upwards in
  /// powers of two, so that it rarely moves.
  void keep_back(c10::DeviceIndex device, int64_t bytes);
  /// What keep_back(bytes) really keeps.
  static int64_t kept_back_for(int64_t bytes);

  c10::DataPtr allocate(size_t n) override;
  void* raw_alloc(size_t n) override;
  void* raw_alloc_with_stream(size_t n, cudaStream_t stream) override;

  // Everything else is upstream's.
  c10::DeleterFnPtr raw_deleter() const override { return upstream_->raw_deleter(); }
  bool is_simple_data_ptr(const c10::DataPtr& data) const override { return upstream_->is_simple_data_ptr(data); }
  void copy_data(void* to, const void* from, std::size_t n) const override { upstream_->copy_data(to, from, n); }
  bool initialized() override { return upstream_->initialized(); }
  void emptyCache(c10::MempoolId_t pool) override { upstream_->emptyCache(pool); }
  using CUDAAllocator::recordStream;
  void recordStream(const c10::DataPtr& data, c10::cuda::CUDAStream stream) override {
    upstream_->recordStream(data, stream);
  }
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex device) override {
    return upstream_->getDeviceStats(device);
  }
  void resetAccumulatedStats(c10::DeviceIndex device) override { upstream_->resetAccumulatedStats(device); }
  void resetPeakStats(c10::DeviceIndex device) override { upstream_->resetPeakStats(device); }
  std::pair<size_t, size_t> getMemoryInfo(c10::DeviceIndex device) override { return upstream_->getMemoryInfo(device); }
  void raw_delete(void* block) override { upstream_->raw_delete(block); }
  void init(int devices) override { upstream_->init(devices); }
  double getMemoryFraction(c10::DeviceIndex device) override { return upstream_->getMemoryFraction(device); }
  // The user's own fraction holds beside the limit: the smaller one binds.
  void setMemoryFraction(double fraction, c10::DeviceIndex device) override {
    devices_[static_cast<size_t>(device)].users_fraction.store(fraction);
    hold_limit(device);
  }
  std::vector<c10::cuda::CUDACachingAllocator::StreamSegmentSize> getExpandableSegmentSizes(
      c10::DeviceIndex device) override {
    return upstream_->getExpandableSegmentSizes(device);
  }
  void enable(bool value) override { upstream_->enable(value); }
  bool isEnabled() const override { return upstream_->isEnabled(); }
  void cacheInfo(c10::DeviceIndex device, size_t* largest) override { upstream_->cacheInfo(device, largest); }
  void* getBaseAllocation(void* block, size_t* size) override { return upstream_->getBaseAllocation(block, size); }
  c10::cuda::CUDACachingAllocator::SnapshotInfo snapshot(c10::MempoolId_t pool, bool traces) override {
    return upstream_->snapshot(pool, traces);
  }
  void beginAllocateToPool(c10::DeviceIndex device, c10::MempoolId_t pool,
                           std::function<bool(cudaStream_t)> filter) override {
    upstream_->beginAllocateToPool(device, pool, std::move(filter));
  }
  void endAllocateToPool(c10::DeviceIndex device, c10::MempoolId_t pool) override {
    upstream_->endAllocateToPool(device, pool);
  }
  void releasePool(c10::DeviceIndex device, c10::MempoolId_t pool) override { upstream_->releasePool(device, pool); }
  int getPoolUseCount(c10::DeviceIndex device, c10::MempoolId_t pool) override {
    return upstream_->getPoolUseCount(device, pool);
  }
  void createOrIncrefPool(c10::DeviceIndex device, c10::MempoolId_t pool,
                          std::shared_ptr<CUDAAllocator> allocator) override {
    upstream_->createOrIncrefPool(device, pool, std::move(allocator));
  }
  void setUseOnOOM(c10::DeviceIndex device, c10::MempoolId_t pool, bool use) override {
    upstream_->setUseOnOOM(device, pool, use);
  }
  void setNoSplit(c10::DeviceIndex device, c10::MempoolId_t pool) override { upstream_->setNoSplit(device, pool); }
  bool checkPoolLiveAllocations(c10::DeviceIndex device, c10::MempoolId_t pool,
                                const std::unordered_set<void*>& expected) override {
    return upstream_->checkPoolLiveAllocations(device, pool, expected);
  }
  c10::cuda::CUDACachingAllocator::ShareableHandle shareIpcHandle(void* block) override {
    return upstream_->shareIpcHandle(block);
  }
  std::shared_ptr<void> getIpcDevPtr(std::string handle) override { return upstream_->getIpcDevPtr(std::move(handle)); }
  bool isHistoryEnabled() override { return upstream_->isHistoryEnabled(); }
  void recordHistory(bool enabled, c10::CachingDeviceAllocator::CreateContextFn context, size_t entries,
                     c10::CachingDeviceAllocator::RecordContext when, bool clear,
                     const std::vector<std::string>& skip) override {
    upstream_->recordHistory(enabled, context, entries, when, clear, skip);
  }
  void recordAnnotation(const std::vector<std::pair<std::string, std::string>>& annotation) override {
    upstream_->recordAnnotation(annotation);
  }
  void pushCompileContext(std::string& context) override { upstream_->pushCompileContext(context); }
  void popCompileContext() override { upstream_->popCompileContext(); }
  void setUserMetadata(const std::string& metadata) override { upstream_->setUserMetadata(metadata); }
  std::string getUserMetadata() override { return upstream_->getUserMetadata(); }
  void attachOutOfMemoryObserver(c10::cuda::CUDACachingAllocator::OutOfMemoryObserver observer) override {
    upstream_->attachOutOfMemoryObserver(std::move(observer));
  }
  void attachAllocatorTraceTracker(c10::CachingDeviceAllocator::AllocatorTraceTracker tracker) override {
    upstream_->attachAllocatorTraceTracker(std::move(tracker));
  }
  void enablePeerAccess(c10::DeviceIndex device, c10::DeviceIndex peer) override {
    upstream_->enablePeerAccess(device, peer);
  }
  cudaError_t memcpyAsync(void* to, int to_device, const void* from, int from_device, size_t n, cudaStream_t stream,
                          bool peer) override {
    return upstream_->memcpyAsync(to, to_device, from, from_device, n, stream, peer);
  }
  std::shared_ptr<c10::cuda::CUDACachingAllocator::AllocatorState> getCheckpointState(c10::DeviceIndex device,
                                                                                      c10::MempoolId_t pool) override {
    return upstream_->getCheckpointState(device, pool);
  }
  c10::cuda::CUDACachingAllocator::CheckpointDelta setCheckpointPoolState(
      c10::DeviceIndex device, std::shared_ptr<c10::cuda::CUDACachingAllocator::AllocatorState> state) override {
    return upstream_->setCheckpointPoolState(device, std::move(state));
  }
  std::string name() override { return upstream_->name(); }

 private:
  struct Device {
    memory::Meter reserved, allocated;
    HandlerSlot handler;
    std::mutex cushion_mutex;
    c10::DataPtr cushion;
    int64_t cushion_bytes = 0, wanted_bytes = 0;
    std::atomic<int64_t> total_bytes{0};
    std::atomic<double> users_fraction{1.0};
  };

  template <class Result, class Ask>
  Result with_reclaim(size_t n, Ask&& ask);
  void follow(const c10::CachingDeviceAllocator::TraceEntry& entry);
  void hold_limit(c10::DeviceIndex device);
  void drop_cushion(Device& device);
  void restore_cushion(Device& device);

  CUDAAllocator* const upstream_;
  const CudaState* const state_;
  std::array<Device, C10_COMPILE_TIME_MAX_GPUS> devices_;
};

}  // namespace cinch::backend
