#include <algorithm>
#include <random>

#include "tests/contract/rows.h"

namespace cinch::testing {

Buffer activations(int64_t numel, uint32_t seed, DType dtype, bool relu) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0.0, 2.0);
  std::vector<double> values(static_cast<size_t>(numel));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = normal(random);
    if (relu)
      values[i] = std::max(values[i], 0.0);
    else if (i % 11 == 3)
      values[i] = std::vector<double>{0.0, -0.0, 0.5, -0.5, 3.0, -3.0}[i / 11 % 6];
  }
  return floats(values, dtype);
}

}  // namespace cinch::testing
