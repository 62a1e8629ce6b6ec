// torch's CUDA allocator as far as a wrapper can tell: the same interface, host memory, segments, a memory fraction, a
// lock, out-of-memory errors, and a tracker that is told under the lock.
#pragma once

#include <c10/cuda/CUDACachingAllocator.h>

#include <cstdlib>
#include <map>
#include <mutex>

namespace cinch::backend {

class FakeUpstream final : public c10::cuda::CUDACachingAllocator::CUDAAllocator {
 public:
  using Entry = c10::CachingDeviceAllocator::TraceEntry;
  static constexpr int64_t kTotal = 1'000'000;

  explicit FakeUpstream(const c10::DeviceIndex* current, std::string kind = "native")
      : current_(current), kind_(std::move(kind)) {}

  // Every block is a segment of its own; what is freed stays cached until the cache is emptied.
  void* take(size_t n) {
    const std::lock_guard<std::mutex> lock(mutex);
    ++requests;
    auto& cache = cached_[*current_];
    if (const auto it = cache.find(n); it != cache.end()) {
      void* block = it->second;
      cache.erase(it);
      tell(Entry::ALLOC, block, n);
      return block;
    }
    const auto fits = [&] { return reserved_[*current_] + static_cast<int64_t>(n) <= allowed(); };
    if (!fits()) empty(*current_);
    if (!fits()) TORCH_CHECK_WITH(OutOfMemoryError, false, "fake: out of memory");
    void* block = std::malloc(n);
    sizes_[block] = {n, *current_};
    reserved_[*current_] += static_cast<int64_t>(n);
    tell(expandable ? Entry::SEGMENT_MAP : Entry::SEGMENT_ALLOC, block, n);
    tell(Entry::ALLOC, block, n);
    return block;
  }
  void give(void* block) {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto [n, device] = sizes_.at(block);
    cached_[device].emplace(n, block);
    tell(Entry::FREE_COMPLETED, block, n, device);
  }
  int64_t reserved(c10::DeviceIndex device) {
    const std::lock_guard<std::mutex> lock(mutex);
    return reserved_[device];
  }

  c10::DataPtr allocate(size_t n) override {
    if (n == 0) return {nullptr, nullptr, &release, c10::Device(c10::kCUDA, *current_)};
    auto* context = new Context{this, take(n)};
    return {context->block, context, &release, c10::Device(c10::kCUDA, *current_)};
  }
  void* raw_alloc(size_t n) override { return take(n); }
  void* raw_alloc_with_stream(size_t n, cudaStream_t) override { return take(n); }
  void raw_delete(void* block) override { give(block); }
  void setMemoryFraction(double fraction, c10::DeviceIndex device) override { fractions_[device] = fraction; }
  double getMemoryFraction(c10::DeviceIndex device) override {
    return fractions_.contains(device) ? fractions_[device] : 1.0;
  }
  void emptyCache(c10::MempoolId_t) override {
    const std::lock_guard<std::mutex> lock(mutex);
    for (auto& [device, blocks] : cached_) empty(device);
  }
  void attachAllocatorTraceTracker(c10::CachingDeviceAllocator::AllocatorTraceTracker t) override {
    tracker_ = std::move(t);
  }
  std::string name() override { return kind_; }

  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex device) override {
    const std::lock_guard<std::mutex> lock(mutex);
    c10::CachingDeviceAllocator::DeviceStats stats;
    auto cached = int64_t{0};
    for (const auto& [n, block] : cached_[device]) cached += static_cast<int64_t>(n);
    stats.reserved_bytes[0].current = reserved_[device];
    stats.requested_bytes[0].current = reserved_[device] - cached;
    return stats;
  }

  // Not asked of a fake.
  void copy_data(void*, const void*, std::size_t) const override {}
  bool initialized() override { return true; }
  void recordStream(const c10::DataPtr&, c10::cuda::CUDAStream) override {}
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override {}
  void init(int) override {}
  std::vector<c10::cuda::CUDACachingAllocator::StreamSegmentSize> getExpandableSegmentSizes(c10::DeviceIndex) override {
    return {};
  }
  void enable(bool) override {}
  bool isEnabled() const override { return true; }
  void cacheInfo(c10::DeviceIndex, size_t*) override {}
  void* getBaseAllocation(void* block, size_t*) override { return block; }
  c10::cuda::CUDACachingAllocator::SnapshotInfo snapshot(c10::MempoolId_t, bool) override { return {}; }
  void beginAllocateToPool(c10::DeviceIndex, c10::MempoolId_t, std::function<bool(cudaStream_t)>) override {}
  void endAllocateToPool(c10::DeviceIndex, c10::MempoolId_t) override {}
  void releasePool(c10::DeviceIndex, c10::MempoolId_t) override {}
  c10::cuda::CUDACachingAllocator::ShareableHandle shareIpcHandle(void*) override { return {}; }
  std::shared_ptr<void> getIpcDevPtr(std::string) override { return nullptr; }
  void recordHistory(bool, c10::CachingDeviceAllocator::CreateContextFn, size_t,
                     c10::CachingDeviceAllocator::RecordContext, bool, const std::vector<std::string>&) override {}
  void attachOutOfMemoryObserver(c10::cuda::CUDACachingAllocator::OutOfMemoryObserver) override {}
  void enablePeerAccess(c10::DeviceIndex, c10::DeviceIndex) override {}
  cudaError_t memcpyAsync(void*, int, const void*, int, size_t, cudaStream_t, bool) override { return cudaSuccess; }
  std::shared_ptr<c10::cuda::CUDACachingAllocator::AllocatorState> getCheckpointState(c10::DeviceIndex,
                                                                                      c10::MempoolId_t) override {
    return nullptr;
  }
  c10::cuda::CUDACachingAllocator::CheckpointDelta setCheckpointPoolState(
      c10::DeviceIndex, std::shared_ptr<c10::cuda::CUDACachingAllocator::AllocatorState>) override {
    return {};
  }

  std::mutex mutex;  // held while the tracker is told, as upstream's is
  int64_t requests = 0;
  bool expandable = false;  // segments that grow and shrink by mapping

 private:
  struct Context {
    FakeUpstream* owner;
    void* block;
  };
  static void release(void* context) {
    if (context == nullptr) return;
    auto* c = static_cast<Context*>(context);
    c->owner->give(c->block);
    delete c;
  }
  int64_t allowed() { return static_cast<int64_t>(getMemoryFraction(*current_) * kTotal + 0.5); }
  void empty(c10::DeviceIndex device) {
    for (const auto& [n, block] : cached_[device]) {
      reserved_[device] -= static_cast<int64_t>(n);
      tell(expandable ? Entry::SEGMENT_UNMAP : Entry::SEGMENT_FREE, block, n, device);
      sizes_.erase(block);
      std::free(block);
    }
    cached_[device].clear();
  }
  void tell(Entry::Action action, void* block, size_t n) { tell(action, block, n, *current_); }
  void tell(Entry::Action action, void* block, size_t n, c10::DeviceIndex device) {
    if (tracker_) tracker_(Entry(action, device, reinterpret_cast<size_t>(block), n, nullptr, {0, 0}, {}));
  }

  const c10::DeviceIndex* const current_;
  const std::string kind_;
  c10::CachingDeviceAllocator::AllocatorTraceTracker tracker_;
  std::map<void*, std::pair<size_t, c10::DeviceIndex>> sizes_;
  std::map<c10::DeviceIndex, std::multimap<size_t, void*>> cached_;
  std::map<c10::DeviceIndex, int64_t> reserved_;
  std::map<c10::DeviceIndex, double> fractions_;
};

}  // namespace cinch::backend
