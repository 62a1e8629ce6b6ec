// How fast codecs are, beside memcpy of the same buffer in the same run, and what their bytes and errors are beside
// entropy and estimate. No torch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cinch/codec.h"

namespace cinch::bench {

// Raw bytes per second / 1e9, best of interleaved rounds.
struct Speed {
  double encode_gbps = 0, decode_gbps = 0;
};

struct CodecTiming {
  std::string codec, dtype, isa;
  int64_t raw_bytes = 0, coded_bytes = 0;
  double memcpy_gbps = 0;  // of one thread
  Speed one_thread;
  std::optional<Speed> threads;         // of TimingOptions::executor
  double max_error = 0, rms_error = 0;  // of the result decoded after the timing, absolute; 0 for integers
  std::optional<double> entropy_bytes;  // symbol_entropy.h; of entropy-coded payloads
  std::optional<Trial> trial;           // what a guard prices options by; of lossy codecs
  Estimate estimate;                    // from statistics, where values are not at hand
  bool verified = false;  // decoded again after the timing: same bytes as at first, on threads too, and the error below
                          // what the method allows
  bool declined = false;
};

struct TimingOptions {
  std::vector<std::string> isas = {};  // of backend::instruction_sets(); empty: the active one
  int rounds = 9;
  const Executor* executor = nullptr;  // of several threads, timed beside one
};

// One row for each of the instruction sets. Dispatch is left as it was.
std::vector<CodecTiming> time_codec(const CodecSpec& spec, const void* data, int64_t numel, DType dtype,
                                    const SideInfo& side = {}, const TimingOptions& options = {});

}  // namespace cinch::bench
