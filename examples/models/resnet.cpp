// ResNet-18 and ResNet-50 (He et al. 2015). Large images get the published stem, 7x7 with stride 2 and a max-pool;
// small ones a 3x3 stem with stride 1 and no max-pool.
#include <torch/torch.h>

#include "examples/models/model.h"

namespace cinch::models {
namespace {

namespace nn = torch::nn;

nn::Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  nn::Conv2d layer(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
  nn::init::kaiming_normal_(layer->weight, 0, torch::kFanOut, torch::kReLU);
  return layer;
}

// Both kinds of residual block; `bottleneck` is 1x1, 3x3, 1x1 with four times as many channels at the end.
class Block : public nn::Module {
 public:
  Block(int64_t in, int64_t width, int64_t stride, bool bottleneck) {
    const int64_t out = bottleneck ? 4 * width : width;
    if (bottleneck) {
      add(in, width, 1, 1);
      add(width, width, 3, stride);
      add(width, out, 1, 1);
    } else {
      add(in, width, 3, stride);
      add(width, out, 3, 1);
    }
    if (stride != 1 || in != out) {
      downsample_ = register_module("downsample", nn::Sequential(conv(in, out, 1, stride), nn::BatchNorm2d(out)));
    }
  }

  torch::Tensor forward(const torch::Tensor& x) {
    torch::Tensor y = x;
    for (size_t i = 0; i < convs_.size(); ++i) {
      y = norms_[i]->forward(convs_[i]->forward(y));
      if (i + 1 < convs_.size()) y = y.relu_();
    }
    y += downsample_.is_empty() ? x : downsample_->forward(x);
    return y.relu_();
  }

 private:
  void add(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
    const std::string number = std::to_string(convs_.size() + 1);
    convs_.push_back(register_module("conv" + number, conv(in, out, kernel, stride)));
    norms_.push_back(register_module("bn" + number, nn::BatchNorm2d(out)));
  }

  std::vector<nn::Conv2d> convs_;
  std::vector<nn::BatchNorm2d> norms_;
  nn::Sequential downsample_{nullptr};
};

class ResNet : public Model {
 public:
  ResNet(const ModelOptions& options, const std::array<int64_t, 4>& depths, bool bottleneck)
      : large_(is_large(options)) {
    const int64_t kernel = large_ ? 7 : 3, stride = large_ ? 2 : 1;
    conv1_ = register_module("conv1", conv(options.image_channels, 64, kernel, stride));
    bn1_ = register_module("bn1", nn::BatchNorm2d(64));
    int64_t channels = 64;
    for (size_t stage = 0; stage < depths.size(); ++stage) {
      const int64_t width = int64_t{64} << stage;
      nn::Sequential layer;
      for (int64_t i = 0; i < depths[stage]; ++i) {
        layer->push_back(std::make_shared<Block>(channels, width, stage > 0 && i == 0 ? 2 : 1, bottleneck));
        channels = bottleneck ? 4 * width : width;
      }
      layers_.push_back(register_module("layer" + std::to_string(stage + 1), layer));
    }
    fc_ = register_module("fc", nn::Linear(channels, options.classes));
  }

  torch::Tensor logits(const torch::Tensor& input) override {
    torch::Tensor x = bn1_->forward(conv1_->forward(input)).relu_();
    if (large_) x = torch::max_pool2d(x, 3, 2, 1);
    for (nn::Sequential& layer : layers_) x = layer->forward(x);
    return fc_->forward(torch::adaptive_avg_pool2d(x, {1, 1}).flatten(1));
  }

 private:
  bool large_;
  nn::Conv2d conv1_{nullptr};
  nn::BatchNorm2d bn1_{nullptr};
  std::vector<nn::Sequential> layers_;
  nn::Linear fc_{nullptr};
};

}  // namespace

std::shared_ptr<Model> make_resnet18(const ModelOptions& options) {
  return std::make_shared<ResNet>(options, std::array<int64_t, 4>{2, 2, 2, 2}, false);
}
std::shared_ptr<Model> make_resnet50(const ModelOptions& options) {
  return std::make_shared<ResNet>(options, std::array<int64_t, 4>{3, 4, 6, 3}, true);
}

}  // namespace cinch::models
