// Rough speeds for estimates, raw bytes per second on one thread of a current x86 machine (cinch-bench codec measures
// the real ones). Constants, so that plans made from the same profile are the same.
#pragma once

namespace cinch::codec {

constexpr double kMaskEncodeSpeed = 10e9, kMaskDecodeSpeed = 10e9;
constexpr double kIntEncodeSpeed = 3e9, kIntDecodeSpeed = 4e9;
constexpr double kGroupQuantEncodeSpeed = 8e9, kGroupQuantDecodeSpeed = 12e9;

}  // namespace cinch::codec
