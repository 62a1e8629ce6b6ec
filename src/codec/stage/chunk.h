// 16 bytes at a time: the widest load and store of a lane, and the float types in them. For device and walk.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "src/core/device_fn.h"
#include "src/core/float16.h"

namespace cinch::codec {

struct Bf16 {
  uint16_t bits;
};
struct Fp16 {
  uint16_t bits;
};

struct alignas(16) Chunk {
  uint32_t words[4];
};

CINCH_DEVICE_FN float to_float(float x) { return x; }
CINCH_DEVICE_FN float to_float(Bf16 x) { return bf16_to_float(x.bits); }
CINCH_DEVICE_FN float to_float(Fp16 x) {
#if defined(__CUDA_ARCH__)
  // The instruction and the shared function agree on every finite value: conversions to a wider type are exact.
  float out;
  asm("cvt.f32.f16 %0, %1;" : "=f"(out) : "h"(x.bits));
  return out;
#else
  return fp16_to_float(x.bits);
#endif
}

// The bits of a value as float32, NaN's as well: the GPU's conversion has but one NaN, the CPU's keeps sign and
// payload.
CINCH_DEVICE_FN uint32_t float_bits(float x) { return std::bit_cast<uint32_t>(x); }
CINCH_DEVICE_FN uint32_t float_bits(Bf16 x) { return uint32_t{x.bits} << 16; }
CINCH_DEVICE_FN uint32_t float_bits(Fp16 x) { return std::bit_cast<uint32_t>(fp16_to_float(x.bits)); }

template <class T>
CINCH_DEVICE_FN T from_float(float x);
template <>
CINCH_DEVICE_FN float from_float<float>(float x) {
  return x;
}
template <>
CINCH_DEVICE_FN Bf16 from_float<Bf16>(float x) {
  return {float_to_bf16(x)};
}
// Stops at 65504, as the CPU codec does.
template <>
CINCH_DEVICE_FN Fp16 from_float<Fp16>(float x) {
  const float clamped = x > 65504.0f ? 65504.0f : (x < -65504.0f ? -65504.0f : x);
#if defined(__CUDA_ARCH__)
  Fp16 out;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(out.bits) : "f"(clamped));
  return out;
#else
  return {float_to_fp16(clamped)};
#endif
}

// Values of one chunk.
template <class T>
constexpr int kChunkValues = static_cast<int>(sizeof(Chunk) / sizeof(T));

CINCH_DEVICE_FN bool is_chunk_aligned(const void* p) { return reinterpret_cast<uintptr_t>(p) % sizeof(Chunk) == 0; }

template <class T>
CINCH_DEVICE_FN T chunk_value(const Chunk& chunk, int i) {
  if constexpr (sizeof(T) == 4) {
    return std::bit_cast<T>(chunk.words[i]);
  } else {
    return std::bit_cast<T>(static_cast<uint16_t>(chunk.words[i / 2] >> (i % 2 * 16)));
  }
}

template <class T>
CINCH_DEVICE_FN void set_chunk_value(Chunk& chunk, int i, T value) {
  if constexpr (sizeof(T) == 4) {
    chunk.words[i] = std::bit_cast<uint32_t>(value);
  } else {
    const uint32_t bits = std::bit_cast<uint16_t>(value);
    chunk.words[i / 2] = i % 2 == 0 ? bits : chunk.words[i / 2] | bits << 16;
  }
}

// Two values of a chunk at once.
template <class T>
CINCH_DEVICE_FN void set_chunk_pair(Chunk& chunk, int i, float a, float b) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  if constexpr (std::is_same_v<T, Bf16>) {
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(chunk.words[i / 2]) : "f"(b), "f"(a));
    return;
  }
#endif
  set_chunk_value(chunk, i, from_float<T>(a));
  set_chunk_value(chunk, i + 1, from_float<T>(b));
}

// One store, where the compiler might make four of it.
CINCH_DEVICE_FN void store_whole_chunk(void* to, const Chunk& chunk) {
#if defined(__CUDA_ARCH__)
  asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(to), "r"(chunk.words[0]), "r"(chunk.words[1]),
               "r"(chunk.words[2]), "r"(chunk.words[3])
               : "memory");
#else
  *static_cast<Chunk*>(to) = chunk;
#endif
}

// The first `count` values of a chunk. `to` is chunk-aligned.
template <class T>
CINCH_DEVICE_FN void store_chunk(T* to, const Chunk& chunk, int64_t count) {
  constexpr int kValues = kChunkValues<T>;
  if (count >= kValues) {
    store_whole_chunk(to, chunk);
    return;
  }
  CINCH_UNROLL
  for (int i = 0; i < kValues; ++i)
    if (i < count) to[i] = chunk_value<T>(chunk, i);
}

template <class T>
CINCH_DEVICE_FN void store_values(T* to, const float* x, int64_t count) {
  Chunk chunk;
  CINCH_UNROLL
  for (int i = 0; i < kChunkValues<T>; i += 2) set_chunk_pair<T>(chunk, i, x[i], x[i + 1]);
  store_chunk(to, chunk, count);
}

}  // namespace cinch::codec
