/// The example networks behind one interface: a batch goes in, a loss and a score come out.
/// Ordinary torch modules: nothing in them knows of cinch.
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace cinch::models {

enum class DataKind : uint8_t { kImages, kText };

/// Images: input (N, C, H, W) float32, normalised; target (N) int64. Text: both (N, T) int64, target shifted by one.
struct Batch {
  torch::Tensor input, target;
};

/// What one batch gave. `hits` of `counted` answers were right (images, pixels or characters).
struct Output {
  torch::Tensor loss;
  int64_t hits = 0, counted = 0;
};

struct ModelOptions {
  DataKind data = DataKind::kImages;
  int64_t classes = 10;    ///< images
  int64_t vocabulary = 0;  ///< text: number of different tokens (characters, where they are at most 256)
  int64_t context = 128;   ///< text: longest sequence
  double black = -0.8102;  ///< what a black pixel is after normalisation; padding and U-Net's target use it
  int64_t image_channels = 1;
  int64_t image_side = 28;  ///< images are square
};

/// Images like ImageNet's: networks then begin with a stem that shrinks them.
inline bool is_large(const ModelOptions& options) { return options.image_side > 32; }

class Model : public torch::nn::Module {
 public:
  /// Logits: (N, classes), (N, 1, H, W) or (N, T, vocabulary).
  virtual torch::Tensor logits(const torch::Tensor& input) = 0;
  /// Mean loss over the batch; `score` also counts hits (outside autograd).
  virtual Output run(const Batch& batch, bool score = false);
  /// What `hits` counts, for people: "accuracy".
  virtual std::string metric() const { return "accuracy"; }
};

/// A new model with torch's current generator. Throws cinch::Error: unknown name, or data that this model cannot take.
std::shared_ptr<Model> make_model(const std::string& name, const ModelOptions& options = {});

/// In the order of the registry.
std::vector<std::string> model_names();
/// What the model is meant for: text for gpt and gpt2, images for the others. Throws cinch::Error for an unknown name.
DataKind default_data(const std::string& name);
/// The data set it is trained on when none is named, as cinch-train's --data takes it. Throws cinch::Error.
std::string default_data_set(const std::string& name);
/// Text: tokens of a sequence that the model is made for. Throws cinch::Error.
int64_t default_context(const std::string& name);

/// (N, C, 28, 28) -> (N, C, 32, 32), the border filled with `value`.
torch::Tensor pad_to_32(const torch::Tensor& images, double value);

// One factory a network, for the registry.
std::shared_ptr<Model> make_resnet18(const ModelOptions& options);
std::shared_ptr<Model> make_resnet50(const ModelOptions& options);
std::shared_ptr<Model> make_vgg16(const ModelOptions& options);
std::shared_ptr<Model> make_mobilenet_v2(const ModelOptions& options);
std::shared_ptr<Model> make_unet(const ModelOptions& options);
std::shared_ptr<Model> make_lstm(const ModelOptions& options);
std::shared_ptr<Model> make_gpt(const ModelOptions& options);
std::shared_ptr<Model> make_gpt2(const ModelOptions& options);
std::shared_ptr<Model> make_vit_b16(const ModelOptions& options);

}  // namespace cinch::models
