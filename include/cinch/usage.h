/// What a guard used: in all, and site by site. Plain data, no torch; values without locks.
#pragma once

#include <cstdint>
#include <string>

namespace cinch {

/// A snapshot. Bytes and seconds of the last finished step; counters since the guard was made.
struct Usage {
  int64_t raw_bytes = 0;          ///< peak of distinct bytes that stock autograd would keep alive
  int64_t charged_bytes = 0;      ///< peak of what payloads really occupied
  int64_t device_peak_bytes = 0;  ///< peak of the meter
  int64_t limit_bytes = 0;        ///< 0: none
  double gradient_noise = 0.0;    ///< predicted relative RMS error of the parameter gradient
  double effective_batch = 1.0;   ///< V / (V + C), predicted
  // Coding of the step, and giving back to backwards with decoding. Those of all threads are added up, so that their
  // sum may be more than step_seconds.
  double pack_seconds = 0.0;
  double unpack_seconds = 0.0;
  int64_t reclaims = 0;         ///< payloads that were coded further to keep the limit
  int64_t fallbacks = 0;        ///< payloads that stayed as they were although the plan would have coded them
  int64_t steps = 0;            ///< finished
  int64_t offloaded_bytes = 0;  ///< peak of the pinned host memory that payloads took
  /// V, the variance of the mini-batch gradient relative to its squared norm; a guess until it is measured.
  double gradient_variance = 0.5;
  int64_t gradient_pairs = 0;  ///< pairs of backwards that it was measured on; 0: the guess
  int64_t replans = 0;         ///< plans put in force after the first one
  int64_t floor_bytes = 0;     ///< of the last profile; 0: nothing was observed yet
  double step_seconds = 0.0;   ///< from one step() to the next
};

/// What one site did. Bytes: what its payloads that were let go of in the last finished step took, in the form that
/// they were kept in last; one that several sites share is the first one's. Their sum over sites is more than Usage's
/// peaks where payloads do not all live at once. Seconds count up since the guard was made.
struct SiteUsage {
  std::string site;  ///< "layer.path/op#occurrence:slot"
  std::string layer, op, slot;
  int64_t occurrence = 0;
  std::string codec;  ///< name of the method that the plan in force gives it; "keep" without a plan
  int64_t raw_bytes = 0;
  int64_t charged_bytes = 0;
  double pack_seconds = 0.0;    ///< of all threads
  double unpack_seconds = 0.0;  ///< likewise
  double noise_variance = 0.0;  ///< its predicted share of Usage::gradient_noise squared
};

}  // namespace cinch
