// Memory as payloads want it, for timing: 64-byte aligned, its pages touched so that no round pays for them. No torch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace cinch::bench {

struct FreeAligned {
  void operator()(std::byte* p) const { std::free(p); }
};
using AlignedBuffer = std::unique_ptr<std::byte[], FreeAligned>;

inline AlignedBuffer make_aligned(int64_t bytes) {
  const auto size = static_cast<size_t>((bytes + 63) / 64 * 64 + 64);
  auto* p = static_cast<std::byte*>(std::aligned_alloc(64, size));
  if (p == nullptr) throw std::bad_alloc();
  std::memset(p, 1, size);
  return AlignedBuffer(p);
}

}  // namespace cinch::bench
