// MobileNetV2 (Sandler et al. 2018) with in-place ReLU6. For 28x28 images the stem and the second stage keep the size.
#include <torch/torch.h>

#include "examples/models/model.h"

namespace cinch::models {
namespace {

namespace nn = torch::nn;

// Convolution, batch norm and, unless it is a projection, ReLU6.
void add_conv(nn::Sequential& to, int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t groups,
              bool activate) {
  nn::Conv2d conv(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).groups(groups).bias(false));
  nn::init::kaiming_normal_(conv->weight, 0, torch::kFanOut, torch::kReLU);
  to->push_back(conv);
  to->push_back(nn::BatchNorm2d(out));
  if (activate) to->push_back(nn::ReLU6(nn::ReLU6Options(true)));
}

class InvertedResidual : public nn::Module {
 public:
  InvertedResidual(int64_t in, int64_t out, int64_t stride, int64_t expand) : residual_(stride == 1 && in == out) {
    const int64_t hidden = in * expand;
    if (expand != 1) add_conv(layers_, in, hidden, 1, 1, 1, true);
    add_conv(layers_, hidden, hidden, 3, stride, hidden, true);
    add_conv(layers_, hidden, out, 1, 1, 1, false);
    register_module("conv", layers_);
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor y = layers_->forward(x);
    return residual_ ? x + y : y;
  }

 private:
  bool residual_;
  nn::Sequential layers_;
};

class MobileNetV2 : public Model {
 public:
  explicit MobileNetV2(const ModelOptions& options) {
    struct Stage {
      int64_t expand, width, repeat, stride;
    };
    add_conv(features_, 1, 32, 3, 1, 1, true);
    int64_t channels = 32;
    for (const Stage& stage : {Stage{1, 16, 1, 1}, Stage{6, 24, 2, 1}, Stage{6, 32, 3, 2}, Stage{6, 64, 4, 2},
                               Stage{6, 96, 3, 1}, Stage{6, 160, 3, 2}, Stage{6, 320, 1, 1}}) {
      for (int64_t i = 0; i < stage.repeat; ++i) {
        features_->push_back(
            std::make_shared<InvertedResidual>(channels, stage.width, i == 0 ? stage.stride : 1, stage.expand));
        channels = stage.width;
      }
    }
    add_conv(features_, channels, 1280, 1, 1, 1, true);
    classifier_ = nn::Sequential(nn::Dropout(0.2), nn::Linear(1280, options.classes));
    register_module("features", features_);
    register_module("classifier", classifier_);
  }

  torch::Tensor logits(const torch::Tensor& input) override {
    return classifier_->forward(torch::adaptive_avg_pool2d(features_->forward(input), {1, 1}).flatten(1));
  }

 private:
  nn::Sequential features_, classifier_;
};

}  // namespace

std::shared_ptr<Model> make_mobilenet_v2(const ModelOptions& options) { return std::make_shared<MobileNetV2>(options); }

}  // namespace cinch::models
