#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cinch::fuzz::run_encode(std::as_bytes(std::span(data, size)));
  return 0;
}
