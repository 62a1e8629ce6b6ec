// A warp on the CPU: its lanes one after the other, cross-lane operations on all of them at once. See
// src/backend/warp.h.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "src/backend/warp.h"

namespace cinch::testing {

// Lanes, threads and warps come in this order. Whatever needs no sync() in between gives the same both ways.
inline thread_local bool backwards = false;
inline int in_order(int i, int count) { return backwards ? count - 1 - i : i; }

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
    for (int i = 0; i < backend::kLanes; ++i) f(in_order(i, backend::kLanes));
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
  Var<uint32_t> sum_up_to(const Var<uint32_t>& v) const {
    Var<uint32_t> out;
    uint32_t sum = 0;
    for (int lane = 0; lane < backend::kLanes; ++lane) out[lane] = sum += v[lane];
    return out;
  }
  void count(uint32_t* counter, const Var<bool>& v) const {
    if (counter != nullptr) *counter += static_cast<uint32_t>(std::count(v.of, v.of + backend::kLanes, true));
  }
  void lower(int32_t* at, int32_t value) const { *at = std::min(*at, value); }
  void raise(int32_t* at, int32_t value) const { *at = std::max(*at, value); }
  uint32_t last(const Var<uint32_t>& v) const { return v[backend::kLanes - 1]; }
  void count(uint32_t* counter, uint32_t n = 1) const {
    if (counter != nullptr) *counter += n;
  }
  static void or_into(uint32_t* word, uint32_t bits) { *word |= bits; }
  static void add_to(uint32_t* word, uint32_t n) { *word += n; }
};

// A block: its threads, or warps, one after the other between two sync().
template <int kCount>
struct HostBlock {
  static constexpr int kThreads = kCount, kWarps = kCount / backend::kLanes;

  uint32_t* scratch = nullptr;
  int warp_words = 0;

  template <class F>
  void each(F&& f) const {
    for (int i = 0; i < kThreads; ++i) f(in_order(i, kThreads));
  }
  template <class F>
  void warps(F&& f) const {
    for (int i = 0; i < kWarps; ++i) {
      const int warp = in_order(i, kWarps);
      f(HostWarp{scratch + warp * warp_words}, warp);
    }
  }
  void sync() const {}
  static void add_to(uint32_t* word, uint32_t n) { *word += n; }
};

}  // namespace cinch::testing
