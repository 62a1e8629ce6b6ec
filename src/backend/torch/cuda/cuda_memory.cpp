// A GPU's memory and streams for the hooks: everything is queued on torch's current stream, nothing waits.
#include <ATen/Context.h>
#include <ATen/EmptyTensor.h>
#include <ATen/core/CachingHostAllocator.h>
#include <c10/core/Event.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGraphsC10Utils.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>

#include <array>
#include <bit>
#include <memory>
#include <mutex>
#include <string>

#include "cinch/error.h"
#include "src/backend/cuda/runtime.h"
#include "src/backend/torch/cuda/host_copies.h"
#include "src/backend/torch/cuda/reclaiming_allocator.h"
#include "src/backend/torch/cuda/stand_in.h"
#include "src/backend/torch/devices.h"

namespace cinch::backend {
namespace {

class TorchCudaState final : public CudaState {
 public:
  c10::DeviceIndex current_device() const override { return c10::cuda::current_device(); }
  bool capturing() const override {
    return c10::cuda::currentStreamCaptureStatusMayInitCtx() != c10::cuda::CaptureStatus::None;
  }
};

const TorchCudaState cuda_state;

// In front of torch's own from the first call on.
ReclaimingAllocator& allocator() {
  static ReclaimingAllocator& instance = *[] {
    namespace caching = c10::cuda::CUDACachingAllocator;
    at::globalContext().lazyInitDevice(c10::kCUDA);  // makes torch's allocator ready; ours forwards to it
    auto* ours = new ReclaimingAllocator(caching::get(), &cuda_state, c10::cuda::device_count());
    caching::allocator.store(ours);
    constexpr uint8_t kPriority = 200;
    c10::SetAllocator(c10::kCUDA, ours, kPriority);
    return ours;
  }();
  return instance;
}

// A word that kernels add to and the host reads without waiting.
uint32_t* shared_counter() {
  void* counter = nullptr;
  C10_CUDA_CHECK(cudaHostAlloc(&counter, sizeof(uint32_t), cudaHostAllocMapped | cudaHostAllocPortable));
  return new (counter) uint32_t(0);
}

// The sample that compute_stats would look at, on its way to pinned memory.
class PendingSample {
 public:
  PendingSample(const Extent& values, const c10::Stream& stream)
      : arrived_(c10::DeviceType::CUDA), sample_{nullptr, 0, values.dtype} {
    const SampledGroups groups = sampled_groups(values.numel);
    const auto row = static_cast<size_t>(kStatsGroup * dtype_bytes(values.dtype));
    const int64_t last_begin = (groups.count - 1) * groups.stride * kStatsGroup;
    const int64_t last = std::min(kStatsGroup, values.numel - last_begin);
    sample_.numel = (groups.count - 1) * kStatsGroup + last;
    const auto bytes = static_cast<size_t>(sample_.numel * dtype_bytes(values.dtype));
    auto* const host_allocator = at::getHostAllocator(c10::kCUDA);
    host_ = host_allocator->allocate(bytes);
    const c10::cuda::CUDAStream on(stream);
    const auto* from = static_cast<const std::byte*>(values.data);
    auto* to = static_cast<std::byte*>(host_.get());
    if (groups.count > 1)
      C10_CUDA_CHECK(cudaMemcpy2DAsync(to, row, from, row * static_cast<size_t>(groups.stride), row,
                                       static_cast<size_t>(groups.count - 1), cudaMemcpyDeviceToHost, on));
    C10_CUDA_CHECK(cudaMemcpyAsync(to + row * static_cast<size_t>(groups.count - 1),
                                   from + last_begin * dtype_bytes(values.dtype),
                                   static_cast<size_t>(last * dtype_bytes(values.dtype)), cudaMemcpyDeviceToHost, on));
    // Nobody gets the block before the copies are done, whether or not somebody asks for the answer.
    host_allocator->record_event(host_.get(), host_.get_context(), stream);
    arrived_.record(stream);
    sample_.data = to;
  }
  TensorStats stats() const {
    arrived_.synchronize();
    return compute_stats(sample_);
  }

 private:
  c10::Event arrived_;
  c10::DataPtr host_;
  Extent sample_;
};

class CudaMemory final : public DeviceMemory {
 public:
  explicit CudaMemory(c10::DeviceIndex index) : device_(c10::kCUDA, index) {
    const c10::cuda::CUDAGuard on(index);
    cudaDeviceProp properties{};
    C10_CUDA_CHECK(cudaGetDeviceProperties(&properties, index));
    total_bytes_ = static_cast<int64_t>(properties.totalGlobalMem);
    poisoned_ = shared_counter();
    host_pool_ = std::make_unique<HostPool>(std::make_unique<CudaHostCopies>(device_));
  }

  c10::Device device() const override { return device_; }
  DeviceKind kind() const override { return DeviceKind::kCuda; }
  memory::Meter& meter() const override { return allocator().meter(device_.index()); }
  memory::Meter& in_use() const override { return allocator().allocated(device_.index()); }
  void set_limit(int64_t bytes) const override { allocator().set_limit(device_.index(), bytes, total_bytes_); }
  void set_reserve(int64_t bytes) const override {
    const c10::cuda::CUDAGuard on(device_.index());  // what is kept back comes from the current device
    allocator().keep_back(device_.index(), bytes);
  }
  int64_t reserve_for(int64_t bytes) const override { return ReclaimingAllocator::kept_back_for(bytes); }
  // The allocator has just said no, and only it knows its fragments: it is asked again after as much was freed.
  bool fits(int64_t request_bytes, int64_t freed_bytes) const override { return freed_bytes >= request_bytes; }
  int64_t total_bytes() const override { return total_bytes_; }

  at::Tensor empty(int64_t numel, c10::ScalarType type) const override {
    const c10::cuda::CUDAGuard on(device_.index());
    constexpr c10::DispatchKeySet kKeys(c10::DispatchKey::CUDA);
    return at::Tensor(at::detail::empty_generic({numel}, &allocator(), kKeys, type, std::nullopt));
  }
  bool gives_back(const c10::DataPtr& data) const override {
    return data.get_context() != nullptr && data.get_deleter() == allocator().raw_deleter();
  }
  void copy(void* to, const void* from, int64_t bytes) const override {
    C10_CUDA_CHECK(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDeviceToDevice, stream()));
  }
  c10::Storage stand_in(int64_t bytes) const override {
    if (void* address = stand_ins_.cover(device_.index(), bytes); address != nullptr)
      return c10::Storage(c10::Storage::use_byte_size_t(), static_cast<size_t>(bytes), c10::DataPtr(address, device_),
                          nullptr, false);
    return empty(bytes, c10::kByte).storage();
  }
  std::optional<std::function<TensorStats()>> later_stats(const Extent& values) const override {
    const c10::cuda::CUDAGuard on(device_.index());
    auto sample = std::make_shared<PendingSample>(values, current_stream());
    return [sample = std::move(sample)] { return sample->stats(); };
  }

  bool capturing() const override {
    const c10::cuda::CUDAGuard on(device_.index());
    return cuda_state.capturing();
  }
  int64_t poisoned_groups() const override { return *static_cast<const volatile uint32_t*>(poisoned_); }
  c10::Stream current_stream() const override { return stream().unwrap(); }
  void follow(const c10::Stream& earlier) const override {
    const c10::Stream now = current_stream();
    if (earlier == now) return;
    c10::Event event(c10::DeviceType::CUDA);
    event.record(earlier);
    event.block(now);
  }
  void used_here(const c10::DataPtr& data) const override { allocator().recordStream(data, stream()); }
  void describe(CodecContext& context) const override {
    context.device = DeviceKind::kCuda;
    context.stream = stream().stream();
    context.poisoned = poisoned_;
  }
  void set_overrun_handler(OverrunHandler* handler) const override {
    allocator().handler(device_.index()).set(handler);
  }
  HostPool* host_pool() const override { return host_pool_.get(); }

 private:
  c10::cuda::CUDAStream stream() const { return c10::cuda::getCurrentCUDAStream(device_.index()); }

  const c10::Device device_;
  int64_t total_bytes_ = 0;
  uint32_t* poisoned_ = nullptr;
  mutable StandIns stand_ins_;
  std::unique_ptr<HostPool> host_pool_;
};

void check_usable() {
  if (const std::string problem = cuda_problem(); !problem.empty())
    throw Error("device cuda cannot be used: " + problem);
  if (c10::cuda::device_count() == 0) throw Error("device cuda cannot be used: torch finds no CUDA device");
}

}  // namespace

c10::DeviceIndex current_cuda_index() {
  check_usable();
  return c10::cuda::current_device();
}

const DeviceMemory& cuda_memory(c10::DeviceIndex index) {
  check_usable();
  const int count = c10::cuda::device_count();
  if (index < 0 || index >= count)
    throw Error("device cuda:" + std::to_string(index) + " is not there: this machine has " + std::to_string(count) +
                (count == 1 ? " CUDA device" : " CUDA devices"));
  allocator();
  static std::mutex mutex;
  static std::array<const DeviceMemory*, C10_COMPILE_TIME_MAX_GPUS> memories{};
  const std::lock_guard<std::mutex> lock(mutex);
  auto& memory = memories.at(static_cast<size_t>(index));
  if (memory == nullptr) memory = new CudaMemory(index);
  return *memory;
}

}  // namespace cinch::backend
