// Two GPTs: pre-norm decoder, learned positions, GELU, dropout, causal attention. `gpt` is a small one of characters
// with a last layer of its own; `gpt2` has the sizes of GPT-2 small (Radford et al. 2019), whose last layer is the
// embedding.
#include <torch/torch.h>

#include "cinch/error.h"
#include "examples/models/transformer.h"

namespace cinch::models {
namespace {

namespace nn = torch::nn;

// More different tokens than there are bytes: not characters.
constexpr int64_t kBytes = 256;

class Gpt : public Model {
 public:
  Gpt(const ModelOptions& options, const TransformerSizes& sizes, bool tied)
      : context_(options.context), characters_only_(options.vocabulary <= kBytes) {
    tokens_ = register_module("characters", nn::Embedding(options.vocabulary, sizes.width));
    positions_ = register_module("positions", nn::Embedding(options.context, sizes.width));
    dropout_ = register_module("dropout", nn::Dropout(sizes.dropout));
    blocks_ = make_blocks(*this, sizes, true);
    norm_ = register_module("norm", nn::LayerNorm(nn::LayerNormOptions({sizes.width})));
    if (!tied) {
      head_ = register_module("head", nn::Linear(nn::LinearOptions(sizes.width, options.vocabulary).bias(false)));
    }
    draw_matrices(*this);
  }

  torch::Tensor logits(const torch::Tensor& input) override {
    if (input.size(1) > context_) {
      throw Error("gpt: a sequence of " + std::to_string(input.size(1)) + " tokens is longer than the context of " +
                  std::to_string(context_));
    }
    const torch::Tensor places = torch::arange(input.size(1), input.options());
    torch::Tensor x = dropout_->forward(tokens_->forward(input) + positions_->forward(places));
    for (auto& block : blocks_) x = block->forward(x);
    x = norm_->forward(x);
    return head_.is_empty() ? torch::linear(x, tokens_->weight) : head_->forward(x);
  }

  std::string metric() const override { return characters_only_ ? "next-character accuracy" : "next-token accuracy"; }

 private:
  int64_t context_;
  bool characters_only_;
  nn::Embedding tokens_{nullptr}, positions_{nullptr};
  nn::Dropout dropout_{nullptr};
  std::vector<std::shared_ptr<TransformerBlock>> blocks_;
  nn::LayerNorm norm_{nullptr};
  nn::Linear head_{nullptr};
};

}  // namespace

std::shared_ptr<Model> make_gpt(const ModelOptions& options, const TransformerSizes& sizes, bool tied) {
  return std::make_shared<Gpt>(options, sizes, tied);
}
std::shared_ptr<Model> make_gpt(const ModelOptions& options) {
  return make_gpt(options, {.layers = 4, .width = 192, .heads = 6}, false);
}
std::shared_ptr<Model> make_gpt2(const ModelOptions& options) { return make_gpt(options, TransformerSizes{}, true); }

}  // namespace cinch::models
