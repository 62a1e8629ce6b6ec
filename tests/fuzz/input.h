// Reads a fuzzer's bytes in order; zeros follow the last one.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "src/backend/cpu/isa.h"
#include "tests/fuzz/fuzz.h"

namespace cinch::fuzz {

class Input {
 public:
  explicit Input(std::span<const std::byte> bytes) : rest_(bytes) {}
  template <class T>
  T take() {
    T value{};
    const size_t n = std::min(sizeof value, rest_.size());
    std::memcpy(&value, rest_.data(), n);
    rest_ = rest_.subspan(n);
    return value;
  }
  std::span<const std::byte> rest() const { return rest_; }

 private:
  std::span<const std::byte> rest_;
};

// More values than four chunks of an entropy-coded payload have.
constexpr int64_t kMostValues = 140'000;

// The first eight bytes of every input.
struct Head {
  uint8_t spec, dtype, flags, way;
  uint32_t numel;

  DType type() const { return static_cast<DType>(dtype % static_cast<uint8_t>(DType::kOther)); }
  int64_t values() const { return numel % (kMostValues + 1); }
};
static_assert(sizeof(Head) == 8);

// Flags of decode's head: what of the payload's header is left as it is. With 0 it is made to fit, checksum included.
enum DecodeFlags : uint8_t {
  kKeepMagic = 1,
  kKeepCounts = 2,    // numel and dtype
  kKeepLength = 4,    // payload bytes as the header says; and the payload is not brought to the length that they need
  kKeepChecksum = 8,  // of the header and of a pool's geometry
};

// The last part of a loop first, each as short as it may be.
class BackwardExecutor final : public Executor {
 public:
  void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body) const override {
    for (int64_t part = (n + grain - 1) / grain; part-- > 0;) body(part * grain, std::min(n, part * grain + grain));
  }
};

// Runs `body` with instruction set number `number` of this machine.
template <class Body>
void on_instruction_set(unsigned number, Body&& body) {
  static const std::vector<std::string> sets = backend::instruction_sets();
  backend::force_instruction_set(sets[number % sets.size()]);
  body();
}

}  // namespace cinch::fuzz
