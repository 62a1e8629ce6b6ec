// Magnitudes of decoded values, in place.
#pragma once

#include <cstdint>
#include <functional>

#include "cinch/codec.h"

namespace cinch::hooks {

// Host memory; float32, bfloat16 and float16.
inline void drop_signs(void* values, int64_t numel, DType dtype, const Executor& executor) {
  constexpr int64_t kGrain = int64_t{1} << 15;
  const auto clear = [&]<class T>(T* bits, T magnitude) {
    const auto body = [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) bits[i] = static_cast<T>(bits[i] & magnitude);
    };
    executor.parallel_for(numel, kGrain, std::cref(body));
  };
  if (dtype == DType::kFloat32) {
    clear(static_cast<uint32_t*>(values), uint32_t{0x7fffffff});
  } else {
    clear(static_cast<uint16_t*>(values), uint16_t{0x7fff});
  }
}

}  // namespace cinch::hooks
