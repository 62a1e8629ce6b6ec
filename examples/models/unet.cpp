// U-Net (Ronneberger et al. 2015), four levels, batch norm: marks which pixels of the image belong to the garment.
#include <torch/torch.h>

#include "examples/models/model.h"

namespace cinch::models {
namespace {

namespace nn = torch::nn;
namespace F = torch::nn::functional;

nn::Sequential double_conv(int64_t in, int64_t out) {
  nn::Sequential layers;
  for (const int64_t from : {in, out}) {
    layers->push_back(nn::Conv2d(nn::Conv2dOptions(from, out, 3).padding(1).bias(false)));
    layers->push_back(nn::BatchNorm2d(out));
    layers->push_back(nn::ReLU(nn::ReLUOptions(true)));
  }
  return layers;
}

class UNet : public Model {
 public:
  explicit UNet(const ModelOptions& options) : black_(options.black) {
    int64_t channels = 1;
    for (const int64_t width : kWidths) {
      down_.push_back(register_module("down" + std::to_string(down_.size()), double_conv(channels, width)));
      channels = width;
    }
    for (size_t level = kWidths.size() - 1; level-- > 0;) {
      up_.push_back(
          register_module("up" + std::to_string(level), double_conv(channels + kWidths[level], kWidths[level])));
      channels = kWidths[level];
    }
    head_ = register_module("head", nn::Conv2d(nn::Conv2dOptions(channels, 1, 1)));
  }

  torch::Tensor logits(const torch::Tensor& input) override {
    std::vector<torch::Tensor> skips;
    torch::Tensor x = pad_to_32(input, black_);
    for (size_t level = 0; level < down_.size(); ++level) {
      if (level > 0) x = torch::max_pool2d(x, 2);
      x = down_[level]->forward(x);
      if (level + 1 < down_.size()) skips.push_back(x);
    }
    for (nn::Sequential& up : up_) {
      x = torch::upsample_bilinear2d(x, {2 * x.size(2), 2 * x.size(3)}, false);
      x = up->forward(torch::cat({skips.back(), x}, 1));
      skips.pop_back();
    }
    return head_->forward(x);
  }

  Output run(const Batch& batch, bool score) override {
    // The target comes from the image itself, so that the labels' data set is all it takes.
    const torch::Tensor target = pad_to_32(batch.input, black_).gt(black_ + 1e-3).to(batch.input.dtype());
    const torch::Tensor mask = logits(batch.input);
    Output out;
    out.loss = F::binary_cross_entropy_with_logits(mask, target);
    if (score) {
      torch::NoGradGuard no_grad;
      out.hits = mask.gt(0).eq(target.gt(0.5)).sum().item<int64_t>();
      out.counted = target.numel();
    }
    return out;
  }

  std::string metric() const override { return "pixel accuracy"; }

 private:
  static constexpr std::array<int64_t, 4> kWidths{32, 64, 128, 256};
  double black_;
  std::vector<nn::Sequential> down_, up_;
  nn::Conv2d head_{nullptr};
};

}  // namespace

std::shared_ptr<Model> make_unet(const ModelOptions& options) { return std::make_shared<UNet>(options); }

}  // namespace cinch::models
