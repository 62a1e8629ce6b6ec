/// Errors that cinch throws. All derive from cinch::Error except OutOfBudget (see torch/out_of_budget.h),
/// which must be a c10::OutOfMemoryError only. No torch needed. Values that own their texts: they may be copied, stored
/// and handed to another thread.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace cinch {

/// Base of every error that cinch itself raises for misuse, damaged data or unmet promises.
/// what() is one sentence for people: what was wrong, with names and sizes, and the next step.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Where the bytes of a device go at the instant of the peak. Bytes; a field is 0 when it is not known.
struct MemoryBreakdown {
  int64_t parameters_bytes = 0;      ///< parameters and buffers of tracked modules
  int64_t gradients_bytes = 0;       ///< .grad of tracked parameters
  int64_t optimizer_bytes = 0;       ///< tensor state of tracked optimizers
  int64_t payloads_bytes = 0;        ///< charged bytes of payloads, raw ones included
  int64_t transients_bytes = 0;      ///< everything else: activations in flight, workspaces, decode buffers, reserve
  int64_t floor_bytes = 0;           ///< peak with payloads of zero bytes; no plan goes below it
  int64_t smallest_limit_bytes = 0;  ///< smallest limit for which a plan exists under the noise bounds; 0: unknown
};

/// One line of text with the breakdown in human units, for messages.
std::string to_string(const MemoryBreakdown& breakdown);

/// The budget cannot be met by any plan. Thrown by make_plan and by BudgetGuard::step.
class BudgetError : public Error {
 public:
  BudgetError(const std::string& message, const MemoryBreakdown& breakdown) : Error(message), breakdown_(breakdown) {}
  /// What the bytes would be spent on, and the smallest limit that would do.
  const MemoryBreakdown& breakdown() const noexcept { return breakdown_; }

 private:
  MemoryBreakdown breakdown_;
};

/// A JSON document is unreadable, malformed, or does not say what it must.
/// what() reads "FILE: POINTER: expected ...".
class JsonError : public Error {
 public:
  /// file: path or "<text>"; pointer: RFC 6901 pointer to the value, "" for the document; expected: what should stand
  /// there.
  JsonError(const std::string& file, const std::string& pointer, const std::string& expected)
      : Error(file + ": " + (pointer.empty() ? std::string("document") : pointer) + ": " + expected),
        file_(file),
        pointer_(pointer) {}
  const std::string& file() const noexcept { return file_; }
  const std::string& pointer() const noexcept { return pointer_; }

 private:
  std::string file_, pointer_;
};

/// A codec was misused (unsupported dtype, unknown method or parameter) or its payload is damaged.
class CodecError : public Error {
 public:
  using Error::Error;
};

}  // namespace cinch
