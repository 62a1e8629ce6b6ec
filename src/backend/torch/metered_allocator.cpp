#include "src/backend/torch/metered_allocator.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/alignment.h>

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <string_view>
#include <utility>

#include "cinch/error.h"
#include "src/memory/atomic_max.h"
#include "src/memory/kept_blocks.h"

namespace cinch::backend {
namespace {

// Lies right in front of each block, so that freeing needs neither a lock nor a map.
struct Header {
  uint64_t magic[2];
  int64_t bytes;
  int64_t unused;
  c10::DataPtr upstream;
};
static_assert(sizeof(Header) == c10::gAlignment, "the header must keep the alignment of the block behind it");

constexpr uint64_t kMagic[2] = {0x9d2fb1c7a4e8635bULL, 0x51c60e97f3ad82d4ULL};
constexpr uintptr_t kPage = c10::gPagesize;
// Room for the alignment, for the header, and for keeping blocks off page starts (see header_of).
constexpr size_t kExtra = 3 * sizeof(Header);

// Never destroyed: tensors outlive static destructors.
HandlerSlot& handler_slot() {
  static auto* slot = new HandlerSlot;
  return *slot;
}

int64_t ceiling(bool with_reserve) noexcept {
  const memory::Meter& meter = cpu_meter();
  const int64_t limit = meter.limit();
  return limit == memory::Meter::kNoLimit || with_reserve ? limit : limit - meter.reserve();
}

void count(int64_t bytes) {
  memory::Meter& meter = cpu_meter();
  if (meter.try_add(bytes, ceiling(in_reserve()))) {
    return;
  }
  MemoryBreakdown breakdown;
  if (in_reserve() || in_handler()) {
    refuse(meter, bytes, breakdown);
  }
  switch (handler_slot().negotiate(
      bytes, [&] { return meter.try_add(bytes, ceiling(false)); }, breakdown)) {
    case HandlerSlot::Answer::kFits:
      return;
    case HandlerSlot::Answer::kGranted:
      meter.add(bytes);
      return;
    case HandlerSlot::Answer::kRefused:
      refuse(meter, bytes, breakdown);
  }
}

// The header of a block of ours, or nullptr. Blocks of ours never start a page, so that the bytes in front of any other
// address lie on its own page and can be read. They may belong to somebody else, which a sanitizer must not mind.
__attribute__((no_sanitize("address", "thread"))) Header* header_of(void* block) noexcept {
  const auto address = reinterpret_cast<uintptr_t>(block);
  if (address % c10::gAlignment != 0 || address % kPage == 0) {
    return nullptr;
  }
  auto* header = reinterpret_cast<Header*>(address - sizeof(Header));
  const volatile uint64_t* magic = header->magic;
  // Mixed with the address: a copy of a header elsewhere is no header.
  return magic[0] == (kMagic[0] ^ address) && magic[1] == kMagic[1] ? header : nullptr;
}

// Smaller blocks are what a heap is good at.
constexpr int64_t kLeastKept = 256 << 10;

// An address sanitizer is to see what is freed.
bool keeps_freed() noexcept {
#if defined(__SANITIZE_ADDRESS__)
  return false;
#else
  static const bool keeps = [] {
    const char* const said = std::getenv("CINCH_KEEP_FREED");
    return said == nullptr || std::string_view(said) != "0";
  }();
  return keeps;
#endif
}

memory::KeptBlocks& kept_blocks() noexcept {
  static auto* const kept = [] {
    auto* made = new memory::KeptBlocks;
    static memory::KeptBlocks* around = nullptr;
    around = made;
    pthread_atfork([] { around->lock(); }, [] { around->unlock(); }, [] { around->unlock(); });
    return made;
  }();
  return *kept;
}

// The most that was in use at once. In use and kept together stay below it.
std::atomic<int64_t> high_water{0};

Header* made_header(void* block) noexcept {
  return reinterpret_cast<Header*>(static_cast<std::byte*>(block) - sizeof(Header));
}

// Gives a block back to where it came from.
void give_back(Header* header) noexcept {
  c10::DataPtr base = std::move(header->upstream);
  header->~Header();
  base.clear();
}

class MeteredAllocator final : public c10::Allocator {
 public:
  explicit MeteredAllocator(c10::Allocator* upstream) : upstream_(upstream) {}

  c10::DataPtr allocate(size_t n) override;
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* dest, const void* src, std::size_t count) const override {
    upstream_->copy_data(dest, src, count);
  }

  static void release(void* block);

 private:
  c10::DataPtr from_upstream(size_t n);

  c10::Allocator* upstream_;
};

std::atomic<MeteredAllocator*> installed{nullptr};
std::atomic<c10::Allocator*> upstream_allocator{nullptr};

c10::DataPtr MeteredAllocator::allocate(size_t n) {
  const c10::Device cpu(c10::kCPU);
  if (n == 0) {
    return {nullptr, nullptr, &release, cpu};
  }
  if (n > static_cast<size_t>(INT64_MAX) - kExtra) {
    return upstream_->allocate(n);  // refuses in its own words
  }
  const auto bytes = static_cast<int64_t>(n);
  count(bytes);
  if (bytes >= kLeastKept && keeps_freed()) {
    if (void* const block = kept_blocks().take(bytes)) {
      Header* const header = made_header(block);
      header->magic[0] = kMagic[0] ^ reinterpret_cast<uintptr_t>(block);
      header->magic[1] = kMagic[1];
      memory::raise_to(high_water, cpu_meter().current());
      return {block, block, &release, cpu};
    }
  }
  trim_kept();
  c10::DataPtr base;
  try {
    base = from_upstream(n + kExtra);
  } catch (...) {
    cpu_meter().sub(bytes);
    throw;
  }
  memory::raise_to(high_water, cpu_meter().current());  // not before: a request that fails was never in use
  auto address = (reinterpret_cast<uintptr_t>(base.get()) + c10::gAlignment - 1) / c10::gAlignment * c10::gAlignment +
                 sizeof(Header);
  if (address % kPage == 0) {
    address += sizeof(Header);
  }
  auto* block = reinterpret_cast<void*>(address);
  new (reinterpret_cast<void*>(address - sizeof(Header)))
      Header{{kMagic[0] ^ address, kMagic[1]}, bytes, 0, std::move(base)};
  return {block, block, &release, cpu};
}

// What waits must not make a request fail.
c10::DataPtr MeteredAllocator::from_upstream(size_t n) {
  if (kept_bytes() == 0) return upstream_->allocate(n);
  try {
    return upstream_->allocate(n);
  } catch (...) {
    while (void* const block = kept_blocks().take_beyond(0)) give_back(made_header(block));
  }
  return upstream_->allocate(n);
}

void MeteredAllocator::release(void* block) {
  if (block == nullptr) {
    return;
  }
  Header* header = header_of(block);
  if (header == nullptr) {
    // raw_deallocate of memory that was made before we came.
    upstream_allocator.load(std::memory_order_acquire)->raw_deallocate(block);
    return;
  }
  const int64_t bytes = header->bytes;
  header->magic[0] = header->magic[1] = 0;
  const bool kept = bytes >= kLeastKept && keeps_freed() && kept_blocks().keep(block, bytes);
  if (!kept) {
    give_back(header);
  }
  cpu_meter().sub(bytes);
  if (kept) {
    trim_kept();  // in use may have been more than a limit that was lowered
  }
}

}  // namespace

int64_t kept_bytes() noexcept { return kept_blocks().bytes(); }

void trim_kept() noexcept {
  const int64_t in_use = cpu_meter().current();
  const int64_t most = std::min(cpu_meter().limit(), high_water.load(std::memory_order_relaxed));
  while (void* const block = kept_blocks().take_beyond(most - in_use)) give_back(made_header(block));
}

void release_kept() noexcept {
  while (void* const block = kept_blocks().take_beyond(0)) give_back(made_header(block));
  high_water.store(cpu_meter().current(), std::memory_order_relaxed);
}

memory::Meter& cpu_meter() {
  static auto* meter = new memory::Meter;
  return *meter;
}

void install_metered_allocator() {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  c10::Allocator* now = c10::GetCPUAllocator();
  if (installed.load(std::memory_order_relaxed) != nullptr) {
    return;
  }
  cpu_meter();
  upstream_allocator.store(now, std::memory_order_release);
  auto* ours = new MeteredAllocator(now);
  constexpr uint8_t kPriority = 200;
  c10::SetCPUAllocator(ours, kPriority);
  if (c10::GetCPUAllocator() != ours) {
    delete ours;
    throw Error("The CPU allocator of another library refuses to be metered; load cinch without it.");
  }
  installed.store(ours, std::memory_order_release);
}

void set_overrun_handler(OverrunHandler* handler) { handler_slot().set(handler); }

bool is_metered(const c10::DataPtr& data) noexcept {
  return data.get_context() != nullptr && data.get_deleter() == &MeteredAllocator::release &&
         header_of(data.get_context()) != nullptr;
}

}  // namespace cinch::backend
