#include "cinch/error.h"

#include "src/core/bytes_text.h"

namespace cinch {

std::string to_string(const MemoryBreakdown& b) {
  std::string text = "parameters " + bytes_text(b.parameters_bytes) + ", gradients " + bytes_text(b.gradients_bytes) +
                     ", optimizer " + bytes_text(b.optimizer_bytes) + ", payloads " + bytes_text(b.payloads_bytes) +
                     ", transients " + bytes_text(b.transients_bytes);
  if (b.floor_bytes > 0) text += "; floor " + bytes_text(b.floor_bytes);
  if (b.smallest_limit_bytes > 0) text += "; smallest limit " + bytes_text(b.smallest_limit_bytes);
  return text;
}

}  // namespace cinch
