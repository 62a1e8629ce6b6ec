// What stands before the sections of a payload, written by the kernel that writes the sections.
#pragma once

#include <cstring>

#include "src/backend/warp.h"
#include "src/codec/stage/header.h"

namespace cinch::codec {

struct Front {
  backend::Words<sizeof(Header) / 4> header;
  uint32_t* out;
  uint16_t* gap;  // bytes between sections, set to zero
  int gap_halves;
};

// The gap is from `gap_begin` to `gap_end` bytes into the payload, less than 64 of them. Sections are of two bytes at
// least.
inline Front make_front(const Header& header, std::byte* out, int64_t gap_begin, int64_t gap_end) {
  Front front{};
  std::byte bytes[sizeof(Header)];
  write_header(header, bytes);
  std::memcpy(front.header.at, bytes, sizeof bytes);
  front.out = reinterpret_cast<uint32_t*>(out);
  front.gap = reinterpret_cast<uint16_t*>(out + gap_begin);
  front.gap_halves = static_cast<int>((gap_end - gap_begin) / 2);
  return front;
}

__device__ __forceinline__ void write_front(const Front& front) {
  if (blockIdx.x != 0) return;
  const int i = static_cast<int>(threadIdx.x);
  if (i < static_cast<int>(sizeof(Header) / 4)) front.out[i] = front.header.at[i];
  if (i < front.gap_halves) front.gap[i] = 0;
}

}  // namespace cinch::codec
