// Vision transformer (Dosovitskiy et al. 2020): patches are the tokens, the first token stands for the class.
#include <torch/torch.h>

#include "cinch/error.h"
#include "examples/models/transformer.h"

namespace cinch::models {
namespace {

namespace nn = torch::nn;

class Vit : public Model {
 public:
  Vit(const ModelOptions& options, const TransformerSizes& sizes, int64_t patch) {
    if (options.image_side % patch != 0) {
      throw Error("vit: images of " + std::to_string(options.image_side) + " pixels a side are not whole patches of " +
                  std::to_string(patch));
    }
    const int64_t across = options.image_side / patch;
    patches_ = register_module("patches",
                               nn::Conv2d(nn::Conv2dOptions(options.image_channels, sizes.width, patch).stride(patch)));
    class_token_ = register_parameter("class_token", torch::zeros({1, 1, sizes.width}));
    positions_ =
        register_parameter("positions", torch::empty({1, across * across + 1, sizes.width}).normal_(0.0, 0.02));
    dropout_ = register_module("dropout", nn::Dropout(sizes.dropout));
    blocks_ = make_blocks(*this, sizes, false);
    norm_ = register_module("norm", nn::LayerNorm(nn::LayerNormOptions({sizes.width})));
    head_ = register_module("head", nn::Linear(sizes.width, options.classes));
    draw_matrices(*this);
  }

  torch::Tensor logits(const torch::Tensor& input) override {
    torch::Tensor x = patches_->forward(input).flatten(2).transpose(1, 2);
    x = torch::cat({class_token_.expand({x.size(0), -1, -1}), x}, 1);
    x = dropout_->forward(x + positions_);
    for (auto& block : blocks_) x = block->forward(x);
    return head_->forward(norm_->forward(x).select(1, 0));
  }

 private:
  nn::Conv2d patches_{nullptr};
  torch::Tensor class_token_, positions_;
  nn::Dropout dropout_{nullptr};
  std::vector<std::shared_ptr<TransformerBlock>> blocks_;
  nn::LayerNorm norm_{nullptr};
  nn::Linear head_{nullptr};
};

}  // namespace

std::shared_ptr<Model> make_vit(const ModelOptions& options, const TransformerSizes& sizes, int64_t patch) {
  return std::make_shared<Vit>(options, sizes, patch);
}
// As in the paper, dropout leaves attention weights alone.
std::shared_ptr<Model> make_vit_b16(const ModelOptions& options) {
  return make_vit(options, {.attention_dropout = 0.0}, 16);
}

}  // namespace cinch::models
