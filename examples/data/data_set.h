/// A data set gives batches by index. Its values live outside torch, so that only the batch counts against a budget.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "examples/models/model.h"

namespace cinch::data {

/// Where Debian's package puts the files.
inline constexpr const char* kFashionMnistFolder = "/usr/share/datasets/fashion-mnist";

/// Samples have numbers: those of the training part first, those of the test part behind them.
class DataSet {
 public:
  virtual ~DataSet() = default;
  virtual models::DataKind kind() const = 0;
  /// What a model made for this data must know.
  virtual models::ModelOptions model_options() const = 0;
  virtual int64_t train_size() const = 0;
  virtual int64_t test_size() const = 0;
  models::Batch train_batch(std::span<const int64_t> indices) const;
  /// Samples [begin, end) of the test part.
  models::Batch test_batch(int64_t begin, int64_t end) const;

 private:
  /// A batch of `size` samples whose values are still to be written.
  virtual models::Batch empty(int64_t size) const = 0;
  /// Writes sample `number` to place `at` of the batch.
  virtual void fill(int64_t number, models::Batch& batch, int64_t at) const = 0;
};

/// Fashion-MNIST as Debian's package dataset-fashion-mnist installs it. Throws DataError, naming the package, when a
/// file is missing, and naming the file when it is damaged or does not fit the others.
std::unique_ptr<DataSet> load_fashion_mnist(const std::string& folder = kFashionMnistFolder);

/// Characters of a text file (bytes; those that occur are the vocabulary). Samples are neighbouring windows of
/// `context` characters, the target is the next character; the last tenth is the test part. An empty path stands for
/// LibTorch's own C++ headers, concatenated. Throws DataError.
std::unique_ptr<DataSet> load_text(const std::string& path, int64_t context = 128);
/// The same of a text in memory; `name` stands for the file in errors.
std::unique_ptr<DataSet> make_text(const std::string& text, const std::string& name, int64_t context = 128);

/// Square images of 3 channels in 1000 classes, as large as ImageNet's by default: noise, drawn once into a pool of 4
/// MiB of which every image is a piece, so that a batch costs one copy. The same seed gives the same images everywhere.
/// There are 4096 different ones, each with its class: they can be learned by heart, and nothing else can.
/// Throws DataError for a side below 1 or above 512.
std::unique_ptr<DataSet> make_synthetic_images(uint64_t seed, int64_t side = 224);
/// Sequences of tokens below 50257 (GPT-2's vocabulary), cut from a pool of 4 MiB; low tokens are frequent, as common
/// words are in a text. The target is the next token. Throws DataError for a context below 1 or above 65536.
std::unique_ptr<DataSet> make_synthetic_text(uint64_t seed, int64_t context);

}  // namespace cinch::data
