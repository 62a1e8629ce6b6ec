#include "src/backend/torch/metered_allocator.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/alignment.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "cinch/torch/out_of_budget.h"
#include "src/core/bytes_text.h"

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

thread_local bool in_reserve = false;
thread_local bool in_handler = false;

class Flag {
 public:
  explicit Flag(bool& flag) : flag_(flag), previous_(std::exchange(flag, true)) {}
  ~Flag() { flag_ = previous_; }

 private:
  bool& flag_;
  bool previous_;
};

// The handler with the calls in progress, counted in two generations: whoever replaces the handler waits for the calls
// that began before, and later calls cannot hold it up.
class HandlerSlot {
 public:
  struct Call {
    OverrunHandler* handler;
    uint64_t generation;
  };
  Call enter() {
    const std::lock_guard lock(mutex_);
    ++calls_[generation_ & 1];
    return {handler_, generation_};
  }
  void leave(const Call& call) {
    const std::lock_guard lock(mutex_);
    if (--calls_[call.generation & 1] == 0) {
      left_.notify_all();
    }
  }
  void set(OverrunHandler* handler) {
    const std::lock_guard one_at_a_time(set_mutex_);
    std::unique_lock lock(mutex_);
    handler_ = handler;
    const uint64_t old = generation_++;
    left_.wait(lock, [&] { return calls_[old & 1] == 0; });
  }

 private:
  std::mutex set_mutex_, mutex_;
  std::condition_variable left_;
  OverrunHandler* handler_ = nullptr;
  uint64_t generation_ = 0;
  int64_t calls_[2] = {0, 0};
};

// Never destroyed: tensors outlive static destructors.
HandlerSlot& handler_slot() {
  static auto* slot = new HandlerSlot;
  return *slot;
}

[[noreturn]] void refuse(int64_t bytes, const MemoryBreakdown& breakdown) {
  const memory::Meter& meter = cpu_meter();
  std::string message = "A request of " + bytes_text(bytes) + " does not fit under the limit of " +
                        bytes_text(meter.limit()) + ": " + bytes_text(meter.current()) + " are in use";
  if (meter.reserve() > 0) {
    message += ", " + bytes_text(meter.reserve()) + " are reserved for payloads";
  }
  if (breakdown.floor_bytes > 0 || breakdown.payloads_bytes > 0 || breakdown.parameters_bytes > 0) {
    message += " (" + to_string(breakdown) + ")";
  }
  throw OutOfBudget(message + "; raise the limit or make the batch smaller.", breakdown);
}

int64_t ceiling(bool with_reserve) noexcept {
  const memory::Meter& meter = cpu_meter();
  const int64_t limit = meter.limit();
  return limit == memory::Meter::kNoLimit || with_reserve ? limit : limit - meter.reserve();
}

// Asks the handler until the bytes fit; counts them or throws.
void count_with_handler(int64_t bytes) {
  memory::Meter& meter = cpu_meter();
  MemoryBreakdown breakdown;
  struct Visit {
    HandlerSlot::Call call = handler_slot().enter();
    ~Visit() { handler_slot().leave(call); }
  } visit;
  if (OverrunHandler* handler = visit.call.handler) {
    const Flag no_recursion(in_handler);
    while (handler->make_room(bytes)) {
      if (meter.try_add(bytes, ceiling(false))) {
        return;
      }
    }
    // Another thread may have freed something meanwhile.
    if (meter.try_add(bytes, ceiling(false))) {
      return;
    }
    if (handler->overrun(bytes, breakdown)) {
      meter.add(bytes);
      return;
    }
  }
  refuse(bytes, breakdown);
}

void count(int64_t bytes) {
  if (cpu_meter().try_add(bytes, ceiling(in_reserve))) {
    return;
  }
  if (in_reserve || in_handler) {
    refuse(bytes, MemoryBreakdown{});
  }
  count_with_handler(bytes);
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
  c10::DataPtr base;
  try {
    base = upstream_->allocate(n + kExtra);
  } catch (...) {
    cpu_meter().sub(bytes);
    throw;
  }
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
  c10::DataPtr base = std::move(header->upstream);
  header->~Header();
  base.clear();
  cpu_meter().sub(bytes);
}

}  // namespace

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

ReserveScope::ReserveScope() noexcept : previous_(std::exchange(in_reserve, true)) {}

ReserveScope::~ReserveScope() { in_reserve = previous_; }

}  // namespace cinch::backend
