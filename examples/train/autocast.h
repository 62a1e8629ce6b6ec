/// Mixed precision for a while: torch computes matrix products and convolutions in bfloat16, parameters stay float32.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

namespace cinch::train {

/// While alive on this thread, forward ops on the device run under torch's autocast. Not `enabled`: does nothing.
class AutocastScope {
 public:
  AutocastScope(c10::Device device, bool enabled);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  const c10::DeviceType type_;
  const bool enabled_;
  bool before_ = false;
  c10::ScalarType dtype_before_ = c10::ScalarType::Undefined;
};

}  // namespace cinch::train
