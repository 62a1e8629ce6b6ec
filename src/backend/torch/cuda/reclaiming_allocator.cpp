#include "src/backend/torch/cuda/reclaiming_allocator.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "cinch/error.h"

namespace cinch::backend {

using c10::CachingDeviceAllocator::TraceEntry;

namespace {

// While alive, this thread's next block, or the end of the block at `dropped`, is none of a tensor. Upstream tells its
// tracker on the thread that asks.
struct Uncounted {
  explicit Uncounted(const void* block) : dropped(block), outer(std::exchange(current, this)) {}
  ~Uncounted() { current = outer; }
  Uncounted(const Uncounted&) = delete;
  Uncounted& operator=(const Uncounted&) = delete;

  static bool covers(const TraceEntry& entry) {
    if (current == nullptr) return false;
    if (entry.action_ == TraceEntry::ALLOC) return current->dropped == nullptr;
    return entry.action_ == TraceEntry::FREE_COMPLETED && current->dropped != nullptr &&
           entry.addr_ == reinterpret_cast<size_t>(current->dropped);
  }

  const void* const dropped;  // null: a block is taken
  Uncounted* const outer;
  static thread_local Uncounted* current;
};
thread_local Uncounted* Uncounted::current = nullptr;

}  // namespace

ReclaimingAllocator::ReclaimingAllocator(CUDAAllocator* upstream, const CudaState* state, int devices)
    : upstream_(upstream), state_(state) {
  // cudaMallocAsync keeps no segments and heeds no fraction; pluggable allocators may do anything.
  if (const std::string kind = upstream->name(); kind != "native") {
    throw Error("torch's CUDA allocator '" + kind +
                "' cannot be held to a limit; unset PYTORCH_CUDA_ALLOC_CONF's "
                "backend or the pluggable allocator");
  }
  constexpr auto kAll = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  for (int i = 0; i < devices; ++i) {
    const auto stats = upstream->getDeviceStats(static_cast<c10::DeviceIndex>(i));
    devices_[static_cast<size_t>(i)].reserved.add(stats.reserved_bytes[kAll].current);
    devices_[static_cast<size_t>(i)].allocated.add(stats.requested_bytes[kAll].current);
    devices_[static_cast<size_t>(i)].users_fraction.store(
        upstream->getMemoryFraction(static_cast<c10::DeviceIndex>(i)));
  }
  upstream->attachAllocatorTraceTracker([this](const TraceEntry& entry) { follow(entry); });
}

// Called under upstream's lock: counts, nothing else.
void ReclaimingAllocator::follow(const TraceEntry& entry) {
  if (Uncounted::covers(entry)) return;
  Device& device = devices_[static_cast<size_t>(entry.device_)];
  const auto bytes = static_cast<int64_t>(entry.size_);
  switch (entry.action_) {
    case TraceEntry::SEGMENT_ALLOC:
    case TraceEntry::SEGMENT_MAP:
      return device.reserved.add(bytes);
    case TraceEntry::SEGMENT_FREE:
    case TraceEntry::SEGMENT_UNMAP:
      return device.reserved.sub(bytes);
    case TraceEntry::ALLOC:
      return device.allocated.add(bytes);
    case TraceEntry::FREE_COMPLETED:
      return device.allocated.sub(bytes);
    default:
      return;
  }
}

void ReclaimingAllocator::set_limit(c10::DeviceIndex index, int64_t bytes, int64_t total_bytes) {
  Device& device = devices_[static_cast<size_t>(index)];
  device.total_bytes.store(total_bytes);
  if (bytes != memory::Meter::kNoLimit && bytes < device.reserved.current()) {
    // What is cached and not in use does not count against a limit that comes now.
    upstream_->emptyCache({0, 0});
    if (bytes < device.reserved.current()) {
      throw Error("a limit of " + std::to_string(bytes) + " bytes on cuda:" + std::to_string(index) +
                  " is less than the " + std::to_string(device.reserved.current()) +
                  " bytes that are reserved already");
    }
  }
  device.reserved.set_limit(bytes);
  hold_limit(index);
}

void ReclaimingAllocator::hold_limit(c10::DeviceIndex index) {
  const Device& device = devices_[static_cast<size_t>(index)];
  const int64_t limit = device.reserved.limit(), total = device.total_bytes.load();
  const double ours = limit >= total ? 1.0 : static_cast<double>(limit) / static_cast<double>(total);
  upstream_->setMemoryFraction(std::min(ours, device.users_fraction.load()), index);
}

void ReclaimingAllocator::keep_back(c10::DeviceIndex index, int64_t bytes) {
  Device& device = devices_[static_cast<size_t>(index)];
  device.reserved.set_reserve(bytes);
  const int64_t wanted = kept_back_for(bytes);
  const std::lock_guard<std::mutex> lock(device.cushion_mutex);
  if (wanted != 0 && wanted <= device.wanted_bytes) return;
  device.wanted_bytes = wanted;
  drop_cushion(device);
  restore_cushion(device);
}

int64_t ReclaimingAllocator::kept_back_for(int64_t bytes) {
  return bytes > 0 ? static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(bytes))) : 0;
}

// Both with the cushion's mutex held.
void ReclaimingAllocator::drop_cushion(Device& device) {
  const Uncounted drop(device.cushion.get());
  device.cushion.clear();  // upstream caches it, and cuts payloads out of it
  device.cushion_bytes = 0;
}

void ReclaimingAllocator::restore_cushion(Device& device) {
  if (device.cushion_bytes == device.wanted_bytes || state_->capturing()) return;
  try {
    const Uncounted take(nullptr);
    device.cushion = upstream_->allocate(static_cast<size_t>(device.wanted_bytes));
    device.cushion_bytes = device.wanted_bytes;
  } catch (const c10::OutOfMemoryError&) {
    // There is no room for it now: the next request that does not fit finds none either, and makes some.
  }
}

template <class Result, class Ask>
Result ReclaimingAllocator::with_reclaim(size_t n, Ask&& ask) {
  if (in_reserve() || in_handler() || state_->capturing()) return ask();
  std::optional<Result> result;
  const auto attempt = [&] {
    try {
      result.emplace(ask());
      return true;
    } catch (const c10::OutOfMemoryError&) {
      return false;
    }
  };
  if (attempt()) return std::move(*result);
  const c10::DeviceIndex index = state_->current_device();
  Device& device = devices_[static_cast<size_t>(index)];
  // Out of upstream's lock by now, on the stream of the request.
  {
    const std::lock_guard<std::mutex> lock(device.cushion_mutex);
    drop_cushion(device);
  }
  MemoryBreakdown breakdown;
  const auto answer = device.handler.negotiate(static_cast<int64_t>(n), attempt, breakdown);
  if (answer == HandlerSlot::Answer::kGranted) {
    upstream_->setMemoryFraction(device.users_fraction.load(), index);
    attempt();
    hold_limit(index);
  }
  {
    const std::lock_guard<std::mutex> lock(device.cushion_mutex);
    restore_cushion(device);
  }
  if (result) return std::move(*result);
  if (device.reserved.limit() == memory::Meter::kNoLimit) return ask();  // throws in upstream's own words
  refuse(device.reserved, static_cast<int64_t>(n), breakdown);
}

c10::DataPtr ReclaimingAllocator::allocate(size_t n) {
  return with_reclaim<c10::DataPtr>(n, [&] { return upstream_->allocate(n); });
}

void* ReclaimingAllocator::raw_alloc(size_t n) {
  return with_reclaim<void*>(n, [&] { return upstream_->raw_alloc(n); });
}

void* ReclaimingAllocator::raw_alloc_with_stream(size_t n, cudaStream_t stream) {
  return with_reclaim<void*>(n, [&] { return upstream_->raw_alloc_with_stream(n, stream); });
}

}  // namespace cinch::backend
