// Rough speeds for estimates, raw bytes per second on one thread of a current x86 machine (cinch-bench codec measures
// the real ones). Constants, so that plans made from the same profile are the same.
#pragma once

namespace cinch::codec {

constexpr double kMaskEncodeSpeed = 15e9, kMaskDecodeSpeed = 15e9;
constexpr double kIntEncodeSpeed = 3.5e9, kIntDecodeSpeed = 6e9;
constexpr double kGroupQuantEncodeSpeed = 12e9, kGroupQuantDecodeSpeed = 16e9;
constexpr double kGroupQuantAverageEncodeSpeed = 6.5e9, kGroupQuantAverageDecodeSpeed = 12e9;
constexpr double kLfcEncodeSpeed = 6e9, kLfcDecodeSpeed = 12e9;
constexpr double kPoolEncodeSpeed = 12e9, kPoolDecodeSpeed = 15e9;
constexpr double kFixedPointEncodeSpeed = 8e9, kFixedPointDecodeSpeed = 17e9;
constexpr double kCastEncodeSpeed = 8e9, kCastDecodeSpeed = 13e9;
constexpr double kErrorBoundEncodeSpeed = 5e9, kErrorBoundDecodeSpeed = 5e9;
constexpr double kDitherEncodeSpeed = 8e9, kDitherDecodeSpeed = 8e9;

}  // namespace cinch::codec
