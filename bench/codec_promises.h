/// What the rows of `cinch-bench codec` are held to: bytes near the entropy, estimates near what was measured.
#pragma once

#include "bench/suite.h"

namespace cinch::bench {

constexpr double kMostOfEntropy = 1.03;  ///< coded bytes; of tensors from kEntropyFromBytes on
constexpr int64_t kEntropyFromBytes = 1 << 20;
constexpr double kEstimateBytesWithin = 0.10;  ///< of 1, for estimated over coded bytes
constexpr double kEstimateErrorWithin = 0.15;  ///< of 1, for estimated over measured mean square errors

/// Writes to each row that a promise holds for whether it is kept: `entropy_promise_kept`, `estimate_promise_kept`.
/// Those that are not become failures, worst first, in a quick run notes: its networks are hardly trained. Of a codec
/// on several instruction sets or threads, whose bytes are the same, the first row counts.
void check_promises(bool quick, SuiteResult& result);

}  // namespace cinch::bench
