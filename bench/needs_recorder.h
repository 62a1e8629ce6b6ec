// Sees every tensor that autograd saves on this thread, says which slot it is, and can hand back another one at unpack.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "hooks/catalogue/op_info.h"

namespace cinch::bench {

struct Save {
  const hooks::OpInfo* op = nullptr;  // the innermost operator
  uint64_t frame = 0;                 // which call of it
  hooks::SlotNeed need;
  std::vector<c10::IValue> inputs;  // of the call, where the need is joint
  at::Tensor tensor;                // detached
  at::Tensor replacement;           // given to the backward instead, where defined
};

using Saves = std::vector<Save>;

// While alive, this thread's saves are recorded. Not nested.
class Recorder {
 public:
  Recorder();
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  Saves& saves() { return *saves_; }

 private:
  std::shared_ptr<Saves> saves_;
  at::CallbackHandle handle_;
};

}  // namespace cinch::bench
