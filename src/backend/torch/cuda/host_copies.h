/// Copies between a GPU and pinned host memory. The host pool of a CUDA device is HostPool over this.
#pragma once

#include <c10/core/Device.h>
#include <c10/cuda/CUDAStream.h>

#include <mutex>

#include "src/backend/torch/host_copies.h"

namespace cinch::backend {

class CudaHostCopies final : public HostCopies {
 public:
  /// Takes two streams of torch's pool. Throws c10::Error where the device cannot be used.
  explicit CudaHostCopies(c10::Device device);

  void* pin(int64_t bytes) override;
  void unpin(void* memory) noexcept override;
  CopyEventPtr copy_out(void* to, const c10::Storage& from, int64_t offset_bytes, int64_t bytes,
                        const CopyEventPtr& after) override;
  CopyEventPtr copy_in(const c10::Storage& to, const void* from, int64_t bytes, const CopyEventPtr& after) override;
  bool capturing() const override;
  double bytes_per_second() override;

 private:
  CopyEventPtr copy(void* to, const void* from, int64_t bytes, cudaMemcpyKind kind, const c10::cuda::CUDAStream& stream,
                    const CopyEventPtr& after) const;
  double measure(cudaMemcpyKind kind, void* device, void* host, int64_t bytes) const;

  const c10::Device device_;
  const c10::cuda::CUDAStream out_, in_;
  std::mutex rate_mutex_;
  double bytes_per_second_ = 0;
};

}  // namespace cinch::backend
