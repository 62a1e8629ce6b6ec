// Memory for one call: exactly sized, 64-byte aligned, guarded on both sides.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CINCH_FUZZ_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(CINCH_FUZZ_ASAN)
// Of the sanitizer's own interface.
extern "C" void __asan_poison_memory_region(const volatile void* address, size_t bytes);
extern "C" void __asan_unpoison_memory_region(const volatile void* address, size_t bytes);
#define CINCH_FUZZ_POISON(address, bytes) __asan_poison_memory_region(address, bytes)
#define CINCH_FUZZ_LIFT(address, bytes) __asan_unpoison_memory_region(address, bytes)
#else
#define CINCH_FUZZ_POISON(address, bytes) (static_cast<void>(address), static_cast<void>(bytes))
#define CINCH_FUZZ_LIFT(address, bytes) (static_cast<void>(address), static_cast<void>(bytes))
#endif

namespace cinch::fuzz {

// Under the address sanitizer a touch of a guard is reported at once; without it, intact() sees what was written.
class Guarded {
 public:
  explicit Guarded(int64_t bytes, std::byte fill = std::byte{0}) : bytes_(static_cast<size_t>(bytes)) {
    if (bytes < 0 || bytes > kMost) throw std::bad_alloc();
    const size_t total = (bytes_ + 2 * kGuard + kAlignment - 1) / kAlignment * kAlignment;
    memory_.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, total)));
    if (memory_ == nullptr) throw std::bad_alloc();
    behind_ = total - kGuard - bytes_;
    std::fill_n(memory_.get(), total, kGuardByte);
    std::fill_n(data(), bytes_, fill);
    CINCH_FUZZ_POISON(memory_.get(), kGuard);
    CINCH_FUZZ_POISON(data() + bytes_, behind_);
  }
  explicit Guarded(std::span<const std::byte> from) : Guarded(static_cast<int64_t>(from.size())) {
    std::copy(from.begin(), from.end(), data());
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() { lift(); }

  std::byte* data() const { return memory_.get() + kGuard; }
  std::span<std::byte> span() const { return {data(), bytes_}; }
  bool intact() const {
    lift();
    const auto is_guard = [](std::byte b) { return b == kGuardByte; };
    const bool whole = std::all_of(memory_.get(), memory_.get() + kGuard, is_guard) &&
                       std::all_of(data() + bytes_, data() + bytes_ + behind_, is_guard);
    CINCH_FUZZ_POISON(memory_.get(), kGuard);
    CINCH_FUZZ_POISON(data() + bytes_, behind_);
    return whole;
  }

 private:
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  static constexpr size_t kAlignment = 64, kGuard = 128;
  static constexpr int64_t kMost = int64_t{1} << 40;
  static constexpr std::byte kGuardByte{0xa5};

  void lift() const { CINCH_FUZZ_LIFT(memory_.get(), kGuard + bytes_ + behind_); }

  std::unique_ptr<std::byte, Free> memory_;
  size_t bytes_, behind_ = 0;
};

}  // namespace cinch::fuzz
