/// Shuffled indices with a generator of its own: the same seed gives the same batches on every machine, and torch's
/// generators are left alone. No torch.
#pragma once

#include <cstdint>
#include <vector>

namespace cinch::data {

class Sampler {
 public:
  /// Batches of `batch` out of `size` samples; what does not fill a batch at the end of an epoch is left out.
  /// Throws DataError when there is not even one batch.
  Sampler(int64_t size, int64_t batch, uint64_t seed);

  /// Indices of the next batch; a new order begins with every epoch.
  std::vector<int64_t> next();
  int64_t batches_per_epoch() const { return static_cast<int64_t>(order_.size()) / batch_; }

 private:
  void shuffle();
  uint64_t random();

  std::vector<int64_t> order_;
  int64_t batch_, at_ = 0;
  uint64_t state_;
};

}  // namespace cinch::data
