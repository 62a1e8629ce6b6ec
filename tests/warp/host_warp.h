// A warp on the CPU: its lanes one after the other, cross-lane operations on all of them at once. See
// src/backend/warp.h.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "src/backend/warp.h"

namespace cinch::testing {

struct HostWarp {
  template <class U>
  struct Var {
    U of[backend::kLanes];
    U& operator[](int lane) { return of[lane]; }
    const U& operator[](int lane) const { return of[lane]; }
  };

  uint32_t* scratch = nullptr;

  template <class F>
  void each(F&& f) const {
    for (int lane = 0; lane < backend::kLanes; ++lane) f(lane);
  }
  void sync() const {}
  int32_t min(const Var<int32_t>& v) const { return *std::min_element(v.of, v.of + backend::kLanes); }
  int32_t max(const Var<int32_t>& v) const { return *std::max_element(v.of, v.of + backend::kLanes); }
  bool any(const Var<bool>& v) const { return std::find(v.of, v.of + backend::kLanes, true) != v.of + backend::kLanes; }
  Var<uint32_t> exchange(const Var<uint32_t>& v, int mask) const {
    Var<uint32_t> out;
    for (int lane = 0; lane < backend::kLanes; ++lane) out[lane] = v[lane ^ mask];
    return out;
  }
  void count(uint32_t* counter) const {
    if (counter != nullptr) ++*counter;
  }
  void count(uint32_t* counter, const Var<bool>& v) const {
    if (counter != nullptr) *counter += static_cast<uint32_t>(std::count(v.of, v.of + backend::kLanes, true));
  }
  void lower(int32_t* at, int32_t value) const { *at = std::min(*at, value); }
  void raise(int32_t* at, int32_t value) const { *at = std::max(*at, value); }
};

}  // namespace cinch::testing
