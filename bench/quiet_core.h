// Whether the core is all ours. Where a machine is shared, somebody else on the other thread of the core takes a part
// of its width for seconds at a time: arithmetic slows down, copying does not, and shares of memcpy say who else was
// busy. No torch.
#pragma once

#include <cstdint>

namespace cinch::bench {

class QuietCore {
 public:
  // Waits until additions that do not wait for each other are as fast as they have ever been, within a tenth; not for
  // ever.
  void wait();
  // Waits that ended without that.
  int64_t given_up() const { return given_up_; }

 private:
  double fastest_seconds_ = 0;  // of a burst; 0: none yet
  double waited_seconds_ = 0;
  int64_t given_up_ = 0;
};

// Of this process, which remembers what was fastest.
QuietCore& quiet_core();

}  // namespace cinch::bench
