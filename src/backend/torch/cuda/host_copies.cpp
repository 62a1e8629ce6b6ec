#include "src/backend/torch/cuda/host_copies.h"

#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGraphsC10Utils.h>
#include <c10/cuda/CUDAGuard.h>

#include <algorithm>

namespace cinch::backend {
namespace {

// PCIe 3.0 with 16 lanes, as pinned copies reach it; stands where nothing can be measured.
constexpr double kAssumedBytesPerSecond = 12e9;
constexpr int64_t kMeasuredBytes = int64_t{32} << 20;

class CudaCopyEvent final : public CopyEvent {
 public:
  explicit CudaCopyEvent(const c10::cuda::CUDAStream& stream) { event_.record(stream); }
  bool done() const override {
    const c10::cuda::CUDAStreamCaptureModeGuard relaxed(cudaStreamCaptureModeRelaxed);  // asking breaks captures too
    return event_.query();
  }
  void wait_here() const override { block(c10::cuda::getCurrentCUDAStream(event_.device_index())); }
  void block(const c10::cuda::CUDAStream& stream) const { event_.block(stream); }

 private:
  mutable c10::cuda::CUDAEvent event_;  // block() is not const, and changes nothing
};

}  // namespace

CudaHostCopies::CudaHostCopies(c10::Device device)
    : device_(device),
      out_(c10::cuda::getStreamFromPool(false, device.index())),
      in_(c10::cuda::getStreamFromPool(false, device.index())) {}

// Not torch's allocator of pinned memory: it rounds up to powers of two and never gives back, so that no bound could be
// kept.
void* CudaHostCopies::pin(int64_t bytes) {
  const c10::cuda::CUDAGuard guard(device_);
  // Pinning would break a capture on another thread otherwise.
  const c10::cuda::CUDAStreamCaptureModeGuard relaxed(cudaStreamCaptureModeRelaxed);
  void* memory = nullptr;
  if (cudaHostAlloc(&memory, static_cast<size_t>(bytes), cudaHostAllocDefault) == cudaSuccess) return memory;
  (void)cudaGetLastError();  // out of memory is an answer here, and must not be found by the next call of someone else
  return nullptr;
}

void CudaHostCopies::unpin(void* memory) noexcept {
  const c10::cuda::CUDAStreamCaptureModeGuard relaxed(cudaStreamCaptureModeRelaxed);  // as when pinning
  // At the end of the process the driver may be gone before us.
  if (cudaFreeHost(memory) != cudaSuccess) (void)cudaGetLastError();
}

CopyEventPtr CudaHostCopies::copy(void* to, const void* from, int64_t bytes, cudaMemcpyKind kind,
                                  const c10::cuda::CUDAStream& stream, const CopyEventPtr& after) const {
  const c10::cuda::CUDAGuard guard(device_);
  const CudaCopyEvent ready(c10::cuda::getCurrentCUDAStream(device_.index()));
  ready.block(stream);
  // Events are of the same object's making.
  if (after) static_cast<const CudaCopyEvent&>(*after).block(stream);
  C10_CUDA_CHECK(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), kind, stream));
  return std::make_shared<CudaCopyEvent>(stream);
}

CopyEventPtr CudaHostCopies::copy_out(void* to, const c10::Storage& from, int64_t offset_bytes, int64_t bytes,
                                      const CopyEventPtr& after) {
  const auto* begin = static_cast<const std::byte*>(from.data()) + offset_bytes;
  return copy(to, begin, bytes, cudaMemcpyDeviceToHost, out_, after);
}

CopyEventPtr CudaHostCopies::copy_in(const c10::Storage& to, const void* from, int64_t bytes,
                                     const CopyEventPtr& after) {
  return copy(to.mutable_data(), from, bytes, cudaMemcpyHostToDevice, in_, after);
}

bool CudaHostCopies::capturing() const {
  const c10::cuda::CUDAGuard guard(device_);
  return c10::cuda::currentStreamCaptureStatusMayInitCtx() != c10::cuda::CaptureStatus::None;
}

double CudaHostCopies::measure(cudaMemcpyKind kind, void* device, void* host, int64_t bytes) const {
  const bool out = kind == cudaMemcpyDeviceToHost;
  const auto& stream = out ? out_ : in_;
  c10::cuda::CUDAEvent begin(cudaEventDefault), end(cudaEventDefault);
  double best_seconds = 0;
  for (int i = 0; i < 3; ++i) {
    begin.record(stream);
    C10_CUDA_CHECK(cudaMemcpyAsync(out ? host : device, out ? device : host, static_cast<size_t>(bytes), kind, stream));
    end.record(stream);
    end.synchronize();
    const double seconds = 1e-3 * static_cast<double>(begin.elapsed_time(end));
    if (seconds > 0 && (best_seconds == 0 || seconds < best_seconds)) best_seconds = seconds;
  }
  return best_seconds > 0 ? static_cast<double>(bytes) / best_seconds : kAssumedBytesPerSecond;
}

double CudaHostCopies::bytes_per_second() {
  const std::lock_guard<std::mutex> lock(rate_mutex_);
  if (bytes_per_second_ > 0 || capturing()) return bytes_per_second_ > 0 ? bytes_per_second_ : kAssumedBytesPerSecond;
  bytes_per_second_ = kAssumedBytesPerSecond;
  void* host = pin(kMeasuredBytes);
  if (host == nullptr) return bytes_per_second_;
  try {
    const c10::cuda::CUDAGuard guard(device_);
    const c10::cuda::CUDAStreamGuard on_out(out_);
    const auto device = c10::cuda::CUDACachingAllocator::get()->allocate(static_cast<size_t>(kMeasuredBytes));
    bytes_per_second_ = std::min(measure(cudaMemcpyDeviceToHost, device.get(), host, kMeasuredBytes),
                                 measure(cudaMemcpyHostToDevice, device.get(), host, kMeasuredBytes));
  } catch (const c10::OutOfMemoryError&) {
    // Memory is short already: the assumption stands.
  } catch (...) {
    unpin(host);
    throw;
  }
  unpin(host);
  return bytes_per_second_;
}

}  // namespace cinch::backend
