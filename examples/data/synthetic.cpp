// Data sets without data, for networks whose real ones are too large to come along.
#include <torch/torch.h>

#include <algorithm>

#include "examples/data/data_error.h"
#include "examples/data/data_set.h"
#include "src/core/mix.h"

namespace cinch::data {
namespace {

// Values in the pool that samples are cut from.
constexpr int64_t kPool = int64_t{1} << 20;

// The number `index` of a sequence of its own for each seed.
uint64_t draw(uint64_t seed, uint64_t index) { return mix64(mix64(seed + 0x9e3779b97f4a7c15u) + index); }

// What both have in common: their sizes, and the pool.
class Synthetic : public DataSet {
 public:
  explicit Synthetic(uint64_t seed) : seed_(seed) {}
  int64_t train_size() const override { return 10000; }
  int64_t test_size() const override { return 1000; }

 protected:
  uint64_t pool_bits(int64_t i) const { return draw(seed_, static_cast<uint64_t>(i)); }
  // Which of `count` pieces of the pool sample `number` is. Another sequence than the pool's own.
  int64_t piece(int64_t number, int64_t count) const {
    return static_cast<int64_t>(draw(~seed_, static_cast<uint64_t>(number)) % static_cast<uint64_t>(count));
  }

 private:
  uint64_t seed_;
};

class SyntheticImages : public Synthetic {
 public:
  SyntheticImages(uint64_t seed, int64_t side) : Synthetic(seed), side_(side), values_(kChannels * side * side) {
    if (side < 1 || side > 512) throw DataError("synthetic images can have 1 to 512 pixels a side");
    pool_.resize(static_cast<size_t>(kPool));
    for (int64_t i = 0; i < kPool; ++i) pool_[static_cast<size_t>(i)] = normal(pool_bits(i));
  }

  models::DataKind kind() const override { return models::DataKind::kImages; }
  models::ModelOptions model_options() const override {
    return {.data = kind(), .classes = kClasses, .image_channels = kChannels, .image_side = side_};
  }

 private:
  static constexpr int64_t kChannels = 3, kClasses = 1000, kDifferent = 4096;

  // The sum of four uniform numbers of 16 bits: near enough to a normal distribution of mean 0 and deviation 1.
  static float normal(uint64_t bits) {
    const auto part = [bits](int i) { return static_cast<float>(bits >> 16 * i & 0xffff); };
    return (part(0) + part(1) + part(2) + part(3) - 131070.0f) / 37837.0f;
  }

  models::Batch empty(int64_t size) const override {
    return {torch::empty({size, kChannels, side_, side_}, torch::kFloat32), torch::empty({size}, torch::kInt64)};
  }

  void fill(int64_t number, models::Batch& batch, int64_t at) const override {
    const int64_t image = piece(number, kDifferent);
    const int64_t begin = image * (kPool - values_) / kDifferent;
    std::copy_n(pool_.data() + begin, values_, batch.input.data_ptr<float>() + at * values_);
    batch.target.data_ptr<int64_t>()[at] = image % kClasses;
  }

  int64_t side_, values_;
  std::vector<float> pool_;
};

class SyntheticText : public Synthetic {
 public:
  SyntheticText(uint64_t seed, int64_t context) : Synthetic(seed), context_(context) {
    if (context < 1 || context > 65536) throw DataError("synthetic text can have contexts of 1 to 65536 tokens");
    pool_.resize(static_cast<size_t>(kPool));
    for (int64_t i = 0; i < kPool; ++i) {
      const double uniform = static_cast<double>(pool_bits(i) >> 11) * 0x1p-53;
      pool_[static_cast<size_t>(i)] = static_cast<int32_t>(uniform * uniform * uniform * kVocabulary);
    }
  }

  models::DataKind kind() const override { return models::DataKind::kText; }
  models::ModelOptions model_options() const override {
    return {.data = kind(), .vocabulary = kVocabulary, .context = context_};
  }

 private:
  static constexpr int64_t kVocabulary = 50257;

  models::Batch empty(int64_t size) const override {
    return {torch::empty({size, context_}, torch::kInt64), torch::empty({size, context_}, torch::kInt64)};
  }

  void fill(int64_t number, models::Batch& batch, int64_t at) const override {
    const int32_t* from = pool_.data() + piece(number, kPool - context_);
    std::copy_n(from, context_, batch.input.data_ptr<int64_t>() + at * context_);
    std::copy_n(from + 1, context_, batch.target.data_ptr<int64_t>() + at * context_);
  }

  int64_t context_;
  std::vector<int32_t> pool_;
};

}  // namespace

std::unique_ptr<DataSet> make_synthetic_images(uint64_t seed, int64_t side) {
  return std::make_unique<SyntheticImages>(seed, side);
}
std::unique_ptr<DataSet> make_synthetic_text(uint64_t seed, int64_t context) {
  return std::make_unique<SyntheticText>(seed, context);
}

}  // namespace cinch::data
