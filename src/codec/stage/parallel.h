// Loops over the executor of a call, without the allocation that a std::function of a big lambda would make.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "cinch/codec.h"

namespace cinch::codec {

// body(begin, end) must not throw: it may run on threads of a pool.
template <class Body>
void parallel_for(const CodecContext& context, int64_t n, int64_t grain, Body&& body) {
  if (n <= 0) return;
  const Executor& executor = context.executor != nullptr ? *context.executor : serial_executor();
  if (n <= grain) {
    body(int64_t{0}, n);
    return;
  }
  executor.parallel_for(n, grain, std::ref(body));
}

// The same for body(begin, end) -> bool; false as soon as one part says false (later parts may be skipped).
template <class Body>
bool parallel_all(const CodecContext& context, int64_t n, int64_t grain, Body&& body) {
  std::atomic<bool> ok{true};
  parallel_for(context, n, grain, [&](int64_t begin, int64_t end) {
    if (ok.load(std::memory_order_relaxed) && !body(begin, end)) ok.store(false, std::memory_order_relaxed);
  });
  return ok.load();
}

}  // namespace cinch::codec
