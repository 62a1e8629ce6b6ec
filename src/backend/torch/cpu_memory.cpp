#include <ATen/EmptyTensor.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <mutex>

#include "src/backend/torch/devices.h"
#include "src/backend/torch/executor.h"

namespace cinch::backend {
namespace {

const c10::Device kCpuDevice(c10::kCPU);

// One stream: everything is done when the call returns.
class CpuMemory final : public DeviceMemory {
 public:
  c10::Device device() const override { return kCpuDevice; }
  DeviceKind kind() const override { return DeviceKind::kCpu; }
  memory::Meter& meter() const override { return cpu_meter(); }
  int64_t kept_bytes() const override { return backend::kept_bytes(); }
  void release_kept() const override { backend::release_kept(); }
  void set_limit(int64_t bytes) const override {
    meter().set_limit(bytes);
    trim_kept();
  }
  int64_t total_bytes() const override { return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE); }
  bool fits(int64_t request_bytes, int64_t) const override {
    const memory::Meter& m = meter();
    return m.limit() == memory::Meter::kNoLimit || m.current() + request_bytes <= m.limit() - m.reserve();
  }
  at::Tensor empty(int64_t numel, c10::ScalarType type) const override {
    return at::detail::empty_cpu({numel}, type, c10::nullopt, c10::nullopt, c10::nullopt, c10::nullopt);
  }
  void copy(void* to, const void* from, int64_t bytes) const override {
    std::memcpy(to, from, static_cast<size_t>(bytes));
  }
  bool gives_back(const c10::DataPtr& data) const override { return is_metered(data); }
  c10::Storage stand_in(int64_t bytes) const override;
  std::optional<std::function<TensorStats()>> later_stats(const Extent& values) const override {
    return [stats = compute_stats(values)] { return stats; };
  }
  c10::Stream current_stream() const override { return c10::Stream(c10::Stream::DEFAULT, kCpuDevice); }
  void follow(const c10::Stream&) const override {}
  void used_here(const c10::DataPtr&) const override {}
  void describe(CodecContext& context) const override { context.executor = &torch_executor(); }
  void set_overrun_handler(OverrunHandler* handler) const override { backend::set_overrun_handler(handler); }
};

// Address space that the system backs with its page of zeros.
c10::Storage CpuMemory::stand_in(int64_t bytes) const {
  static std::mutex mutex;
  static void* region = nullptr;
  static size_t region_bytes = 0;
  void* address = nullptr;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    if (region_bytes < static_cast<size_t>(bytes)) {
      // Grown regions stay mapped: stand-ins may still point there, and address space costs nothing.
      const size_t wanted = std::max<size_t>(static_cast<size_t>(bytes), 2 * region_bytes);
      void* mapped = mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      TORCH_CHECK(mapped != MAP_FAILED, "cinch: no address space for a stand-in of ", wanted, " bytes");
      region = mapped;
      region_bytes = wanted;
    }
    address = region;
  }
  return c10::Storage(c10::Storage::use_byte_size_t(), static_cast<size_t>(bytes), c10::DataPtr(address, kCpuDevice),
                      nullptr, false);
}

}  // namespace

const DeviceMemory& cpu_memory() {
  install_metered_allocator();
  static const auto* memory = new CpuMemory;
  return *memory;
}

}  // namespace cinch::backend
