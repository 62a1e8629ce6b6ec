#include "examples/data/sampler.h"

#include <numeric>
#include <string>

#include "examples/data/data_error.h"

namespace cinch::data {

Sampler::Sampler(int64_t size, int64_t batch, uint64_t seed) : batch_(batch), state_(seed) {
  if (batch < 1 || size < batch) {
    throw DataError("a batch of " + std::to_string(batch) + " cannot be drawn from " + std::to_string(size) +
                    " samples");
  }
  order_.resize(static_cast<size_t>(size));
  std::iota(order_.begin(), order_.end(), int64_t{0});
  shuffle();
}

std::vector<int64_t> Sampler::next() {
  if (at_ == batches_per_epoch()) {
    shuffle();
    at_ = 0;
  }
  const auto begin = order_.begin() + at_ * batch_;
  ++at_;
  return {begin, begin + batch_};
}

// Not std::shuffle: its result differs between standard libraries.
void Sampler::shuffle() {
  for (uint64_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random() % i]);
}

// SplitMix64.
uint64_t Sampler::random() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace cinch::data
