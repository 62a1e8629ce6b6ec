#include "hooks/store/stand_in.h"

#include <sys/mman.h>

#include <mutex>

namespace cinch::hooks {

c10::Storage stand_in_storage(int64_t bytes) {
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
  return c10::Storage(c10::Storage::use_byte_size_t(), static_cast<size_t>(bytes),
                      c10::DataPtr(address, c10::Device(c10::kCPU)), nullptr, false);
}

}  // namespace cinch::hooks
