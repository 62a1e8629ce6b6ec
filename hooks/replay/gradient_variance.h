// V: how much of a mini-batch gradient's square is chance of the batch. Without torch.
//
// Two backwards one after the other use nearly the same parameters and other samples, so that half of the square of
// their difference is the variance of one, beside what codes add to each (subtracted where V is used) and what the
// parameters' step changed (which makes V a little large).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace cinch::hooks {

class GradientVariance {
 public:
  // A sketch of the gradient of one backward over the leaves that the hash names; the coded share of its square is
  // `noise_variance`. Backwards of other leaves (a second network) do not come between.
  void add(uint64_t leaves, std::vector<float> sketch, double noise_variance);
  // The next sketch is not the neighbour of what was added so far.
  void interrupt();

  // As if so many pairs had been added, whose V was that.
  void resume(double value, int64_t pairs);

  int64_t pairs() const { return pairs_; }
  // V relative to the mean square of the gradient, codes' variance taken off; nullopt before kLeastPairs.
  std::optional<double> value() const;

  static constexpr int64_t kLeastPairs = 4;

 private:
  struct Last {
    std::vector<float> sketch;
    double square = 0, noise_variance = 0;
  };
  std::map<uint64_t, Last> last_;
  int64_t pairs_ = 0;
  double difference_ = 0, noise_ = 0;  // running means, relative to the square
};

}  // namespace cinch::hooks
