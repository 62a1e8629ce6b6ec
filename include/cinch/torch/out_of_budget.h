/// Thrown by an allocation that the limit refuses after everything reclaimable was reclaimed.
#pragma once

#include <c10/util/Exception.h>

#include <string>

#include "cinch/error.h"

namespace cinch {

/// Derives from c10::OutOfMemoryError alone, so that handlers for torch's out-of-memory catch it (it is not a
/// cinch::Error: two roads to std::exception would make it uncatchable as one). what() is one sentence with the
/// breakdown, without a stack trace. Training can go on with the next step after catching it. Thrown on the thread that
/// asks for memory, inside any op of a forward, backward or optimizer; copies are independent.
class OutOfBudget : public c10::OutOfMemoryError {
 public:
  OutOfBudget(const std::string& message, const MemoryBreakdown& breakdown)
      : c10::OutOfMemoryError(message), breakdown_(breakdown) {}
  /// In bytes, at the moment of the request; 0 where not known. Lives as long as this object.
  const MemoryBreakdown& breakdown() const noexcept { return breakdown_; }

 private:
  MemoryBreakdown breakdown_;
};

}  // namespace cinch
