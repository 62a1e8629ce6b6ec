#include "tests/contract/support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "src/backend/cpu/isa.h"
#include "src/core/float16.h"
#include "src/core/read_float.h"

namespace {
thread_local int64_t allocations = 0;
}  // namespace

// Counted, so that a hidden allocation of a codec shows.
void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* p = std::malloc(bytes != 0 ? bytes : 1)) return p;
  throw std::bad_alloc();
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  ++allocations;
  const auto a = static_cast<std::size_t>(alignment);
  if (void* p = std::aligned_alloc(a, (bytes + a - 1) / a * a)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace cinch::testing {
namespace {
constexpr int64_t kGuard = 256;
constexpr std::byte kGuardByte{0xa5};
}  // namespace

Buffer::Buffer(int64_t bytes, int64_t offset)
    : memory_(static_cast<size_t>(bytes + 2 * kGuard + 64 + offset), kGuardByte), bytes_(bytes) {
  const auto begin = reinterpret_cast<uintptr_t>(memory_.data()) + kGuard;
  start_ = memory_.data() + kGuard + (64 - begin % 64) % 64 + offset;
  std::fill(start_, start_ + bytes, std::byte{0});
}

bool Buffer::intact() const {
  const auto is_guard = [](std::byte b) { return b == kGuardByte; };
  const std::byte* end = memory_.data() + memory_.size();
  return std::all_of(memory_.data(), static_cast<const std::byte*>(start_), is_guard) &&
         std::all_of(static_cast<const std::byte*>(start_ + bytes_), end, is_guard);
}

void ThreadedExecutor::parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body) const {
  std::vector<std::thread> pool;
  for (int t = 0; t < threads_; ++t) {
    pool.emplace_back([&, t] {
      for (int64_t begin = t * grain; begin < n; begin += threads_ * grain) body(begin, std::min(begin + grain, n));
    });
  }
  for (std::thread& t : pool) t.join();
}

int64_t allocations_of_this_thread() { return allocations; }

Buffer floats(const std::vector<double>& values, DType dtype) {
  const int64_t width = dtype_bytes(dtype);
  Buffer b(static_cast<int64_t>(values.size()) * width);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto single = static_cast<float>(values[i]);
    const uint16_t half = dtype == DType::kBFloat16 ? float_to_bf16(single) : float_to_fp16(single);
    const void* from = dtype == DType::kFloat64   ? static_cast<const void*>(&values[i])
                       : dtype == DType::kFloat32 ? static_cast<const void*>(&single)
                                                  : &half;
    std::memcpy(b.data() + static_cast<int64_t>(i) * width, from, static_cast<size_t>(width));
  }
  return b;
}

Buffer integers(const std::vector<int64_t>& values, DType dtype) {
  const int64_t width = dtype_bytes(dtype);
  Buffer b(static_cast<int64_t>(values.size()) * width);
  for (size_t i = 0; i < values.size(); ++i) {
    std::memcpy(b.data() + static_cast<int64_t>(i) * width, &values[i], static_cast<size_t>(width));  // little endian
  }
  return b;
}

double float_at(const void* data, int64_t i, DType dtype) { return read_float(data, i, dtype); }

int64_t integer_at(const void* data, int64_t i, DType dtype) {
  const auto* p = static_cast<const std::byte*>(data) + i * dtype_bytes(dtype);
  uint64_t v = 0;
  std::memcpy(&v, p, static_cast<size_t>(dtype_bytes(dtype)));
  switch (dtype) {
    case DType::kInt8:
      return static_cast<int8_t>(v);
    case DType::kInt16:
      return static_cast<int16_t>(v);
    case DType::kInt32:
      return static_cast<int32_t>(v);
    default:
      return static_cast<int64_t>(v);
  }
}

std::optional<Buffer> encode(const Codec& codec, const Extent& in, const SideInfo& side, const CodecContext& context) {
  const auto bound = codec.measure(in, side, context);
  if (!bound) return std::nullopt;
  EXPECT_LE(*bound, codec.payload_bound(in.numel, in.dtype, side));
  Buffer room(*bound);
  const auto bytes = codec.encode(in, side, room.span(), context);
  EXPECT_TRUE(room.intact());
  if (!bytes) return std::nullopt;
  EXPECT_LE(*bytes, *bound);
  return Buffer(room.data(), *bytes);
}

Buffer decode(const Codec& codec, const Buffer& payload, int64_t numel, DType dtype, const CodecContext& context) {
  Buffer out(numel * dtype_bytes(dtype));
  codec.decode(payload.span(), out.data(), numel, dtype, context);
  EXPECT_TRUE(out.intact());
  return out;
}

void on_every_instruction_set(const std::function<void(const std::string&)>& body) {
  for (const std::string& isa : backend::instruction_sets()) {
    backend::force_instruction_set(isa);
    SCOPED_TRACE(isa);
    body(isa);
  }
  backend::force_instruction_set("");
}

}  // namespace cinch::testing
