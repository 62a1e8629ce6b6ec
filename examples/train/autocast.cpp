#include "examples/train/autocast.h"

#include <ATen/autocast_mode.h>

namespace cinch::train {

AutocastScope::AutocastScope(c10::Device device, bool enabled) : type_(device.type()), enabled_(enabled) {
  if (!enabled_) return;
  before_ = at::autocast::is_autocast_enabled(type_);
  dtype_before_ = at::autocast::get_autocast_dtype(type_);
  at::autocast::set_autocast_enabled(type_, true);
  at::autocast::set_autocast_dtype(type_, c10::kBFloat16);
  at::autocast::increment_nesting();
}

AutocastScope::~AutocastScope() {
  if (!enabled_) return;
  // The bfloat16 copies of the parameters must not outlive the scope: the optimizer changes what they were made of.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(type_, before_);
  at::autocast::set_autocast_dtype(type_, dtype_before_);
}

}  // namespace cinch::train
