// VGG-16 (Simonyan & Zisserman 2014), plain: convolution and in-place ReLU, max-pool, dropout in a small classifier.
#include <torch/torch.h>

#include "examples/models/model.h"

namespace cinch::models {
namespace {

namespace nn = torch::nn;

class Vgg16 : public Model {
 public:
  explicit Vgg16(const ModelOptions& options) : black_(options.black) {
    int64_t channels = 1;
    for (const int64_t width : {64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0}) {
      if (width == 0) {
        features_->push_back(nn::MaxPool2d(nn::MaxPool2dOptions(2).stride(2)));
        continue;
      }
      nn::Conv2d conv(nn::Conv2dOptions(channels, width, 3).padding(1));
      // Without batch norm the default initialisation fades out over 13 layers.
      nn::init::kaiming_normal_(conv->weight, 0, torch::kFanIn, torch::kReLU);
      nn::init::zeros_(conv->bias);
      features_->push_back(conv);
      features_->push_back(nn::ReLU(nn::ReLUOptions(true)));
      channels = width;
    }
    classifier_ =
        nn::Sequential(nn::Linear(512, 512), nn::ReLU(nn::ReLUOptions(true)), nn::Dropout(0.5), nn::Linear(512, 512),
                       nn::ReLU(nn::ReLUOptions(true)), nn::Dropout(0.5), nn::Linear(512, options.classes));
    register_module("features", features_);
    register_module("classifier", classifier_);
  }

  torch::Tensor logits(const torch::Tensor& input) override {
    return classifier_->forward(features_->forward(pad_to_32(input, black_)).flatten(1));
  }

 private:
  double black_;
  nn::Sequential features_, classifier_;
};

}  // namespace

std::shared_ptr<Model> make_vgg16(const ModelOptions& options) { return std::make_shared<Vgg16>(options); }

}  // namespace cinch::models
