// How fast codecs are on one thread, beside memcpy of the same buffer in the same run. No torch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cinch/codec.h"

namespace cinch::bench {

// Best of interleaved rounds. Speeds are raw bytes per second / 1e9.
struct CodecTiming {
  std::string codec, dtype, isa;
  int64_t raw_bytes = 0, coded_bytes = 0;
  double encode_gbps = 0, decode_gbps = 0, memcpy_gbps = 0;
  double max_error = 0, rms_error = 0;  // of the result decoded after the timing, absolute; 0 for integers
  bool verified =
      false;  // decoded again after the timing: same bytes as at first, and the error below what the method allows
  bool declined = false;
};

// One row for each of `isas` (names of backend::instruction_sets(); empty: the active one only). Dispatch is left as it
// was.
std::vector<CodecTiming> time_codec(const CodecSpec& spec, const void* data, int64_t numel, DType dtype,
                                    const SideInfo& side = {}, const std::vector<std::string>& isas = {},
                                    int rounds = 9);

}  // namespace cinch::bench
