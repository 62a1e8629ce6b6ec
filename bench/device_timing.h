// How fast codecs are on a GPU, beside a copy within its memory in the same run. No torch.
#pragma once

#include <cstdint>

#include "cinch/codec.h"

namespace cinch::bench {

// Best of interleaved rounds, each long enough for events to time it. Speeds are bytes read and written per second /
// 1e9. Buffers that fit the GPU's second cache are read from there, the copied one as well.
struct DeviceTiming {
  int64_t raw_bytes = 0, coded_bytes = 0;
  int calls = 0;  // of a round
  double encode_gbps = 0, decode_gbps = 0, device_copy_gbps = 0;
  bool declined = false;
  bool verified = false;  // what is there after the timing: the payload that the CPU makes, and what it decodes to
};

// On the current device; `in` is in host memory. Throws Error where there is no device or too little memory.
DeviceTiming time_codec_on_device(const Codec& codec, const Extent& in, const SideInfo& side, int rounds,
                                  int64_t bytes_of_round);

}  // namespace cinch::bench
