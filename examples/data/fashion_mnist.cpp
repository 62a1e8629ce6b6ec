#include <torch/torch.h>

#include <algorithm>
#include <filesystem>

#include "examples/data/data_error.h"
#include "examples/data/data_set.h"
#include "examples/data/idx_file.h"

namespace cinch::data {
namespace {

constexpr int64_t kSide = 28, kPixels = kSide * kSide, kClasses = 10;
// Mean and standard deviation of the training part's pixels, in [0, 1].
constexpr float kMean = 0.2860f, kDeviation = 0.3530f;

struct Part {
  IdxArray images, labels;
  int64_t size() const { return images.sizes[0]; }
};

std::string existing(const std::string& folder, const std::string& file) {
  const std::string path = folder + "/" + file;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    throw DataError(path + ": not found; install Debian's package dataset-fashion-mnist");
  }
  return path;
}

Part read_part(const std::string& folder, const std::string& prefix) {
  Part part;
  const std::string images = existing(folder, prefix + "-images-idx3-ubyte.gz");
  const std::string labels = existing(folder, prefix + "-labels-idx1-ubyte.gz");
  part.images = read_idx_gz(images, 3);
  part.labels = read_idx_gz(labels, 1);
  if (part.images.sizes[1] != kSide || part.images.sizes[2] != kSide) {
    throw DataError(images + ": images are " + std::to_string(part.images.sizes[1]) + "x" +
                    std::to_string(part.images.sizes[2]) + ", expected 28x28");
  }
  if (part.labels.sizes[0] != part.size()) {
    throw DataError(labels + ": " + std::to_string(part.labels.sizes[0]) + " labels for " +
                    std::to_string(part.size()) + " images");
  }
  const uint8_t highest = *std::max_element(part.labels.values.begin(), part.labels.values.end());
  if (highest >= kClasses) {
    throw DataError(labels + ": label " + std::to_string(highest) + " is not one of the ten classes");
  }
  return part;
}

class FashionMnist : public DataSet {
 public:
  explicit FashionMnist(const std::string& folder)
      : train_(read_part(folder, "train")), test_(read_part(folder, "t10k")) {}

  models::DataKind kind() const override { return models::DataKind::kImages; }
  models::ModelOptions model_options() const override {
    return {.data = kind(), .classes = kClasses, .black = -kMean / kDeviation};
  }
  int64_t train_size() const override { return train_.size(); }
  int64_t test_size() const override { return test_.size(); }

 private:
  models::Batch empty(int64_t size) const override {
    return {torch::empty({size, 1, kSide, kSide}, torch::kFloat32), torch::empty({size}, torch::kInt64)};
  }

  void fill(int64_t number, models::Batch& batch, int64_t at) const override {
    const Part& part = number < train_.size() ? train_ : test_;
    const int64_t index = number < train_.size() ? number : number - train_.size();
    const uint8_t* from = part.images.values.data() + index * kPixels;
    float* to = batch.input.data_ptr<float>() + at * kPixels;
    for (int64_t i = 0; i < kPixels; ++i) to[i] = (static_cast<float>(from[i]) / 255.0f - kMean) / kDeviation;
    batch.target.data_ptr<int64_t>()[at] = part.labels.values[static_cast<size_t>(index)];
  }

  Part train_, test_;
};

}  // namespace

std::unique_ptr<DataSet> load_fashion_mnist(const std::string& folder) {
  return std::make_unique<FashionMnist>(folder);
}

}  // namespace cinch::data
