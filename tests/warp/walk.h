// A kernel's launch on the CPU: blocks of warps, each warp taking every n-th piece of work.
#pragma once

#include <functional>
#include <vector>

#include "tests/warp/host_warp.h"

namespace cinch::testing {

// body(warp, piece) in the order of blocks, warps and strides. `blocks` may be fewer than the work fills.
template <class Body>
void walk(int64_t pieces, int64_t blocks, int scratch_words, Body&& body) {
  constexpr int kWarps = 8;
  alignas(16) static thread_local uint32_t scratch[4096];
  for (int64_t block = 0; block < blocks; ++block)
    for (int warp = 0; warp < kWarps; ++warp) {
      std::fill_n(scratch, scratch_words, 0xdeadbeefu);  // shared memory holds anything
      for (int64_t piece = block * kWarps + warp; piece < pieces; piece += blocks * kWarps)
        body(HostWarp{scratch}, piece);
    }
}

}  // namespace cinch::testing
