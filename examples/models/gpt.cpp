// A character GPT: pre-norm decoder, learned positions, GELU, dropout 0.1, causal attention.
#include <torch/torch.h>

#include "cinch/error.h"
#include "examples/models/model.h"

namespace cinch::models {
namespace {

namespace nn = torch::nn;

constexpr int64_t kLayers = 4, kWidth = 192, kHeads = 6;
constexpr double kDropout = 0.1;

class Attention : public nn::Module {
 public:
  Attention()
      : qkv_(register_module("qkv", nn::Linear(kWidth, 3 * kWidth))),
        project_(register_module("project", nn::Linear(kWidth, kWidth))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    const int64_t batch = x.size(0), length = x.size(1);
    std::vector<torch::Tensor> parts = qkv_->forward(x).split(kWidth, 2);
    for (torch::Tensor& part : parts) part = part.view({batch, length, kHeads, kWidth / kHeads}).transpose(1, 2);
    const torch::Tensor mixed =
        at::scaled_dot_product_attention(parts[0], parts[1], parts[2], {}, is_training() ? kDropout : 0.0, true);
    return project_->forward(mixed.transpose(1, 2).reshape({batch, length, kWidth}));
  }

 private:
  nn::Linear qkv_, project_;
};

class DecoderBlock : public nn::Module {
 public:
  DecoderBlock()
      : norm1_(register_module("norm1", nn::LayerNorm(nn::LayerNormOptions({kWidth})))),
        norm2_(register_module("norm2", nn::LayerNorm(nn::LayerNormOptions({kWidth})))),
        attention_(register_module("attention", std::make_shared<Attention>())),
        mlp_(register_module(
            "mlp", nn::Sequential(nn::Linear(kWidth, 4 * kWidth), nn::GELU(), nn::Linear(4 * kWidth, kWidth)))),
        dropout_(register_module("dropout", nn::Dropout(kDropout))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor y = x + dropout_->forward(attention_->forward(norm1_->forward(x)));
    return y + dropout_->forward(mlp_->forward(norm2_->forward(y)));
  }

 private:
  nn::LayerNorm norm1_, norm2_;
  std::shared_ptr<Attention> attention_;
  nn::Sequential mlp_;
  nn::Dropout dropout_;
};

class Gpt : public Model {
 public:
  explicit Gpt(const ModelOptions& options) : context_(options.context) {
    characters_ = register_module("characters", nn::Embedding(options.vocabulary, kWidth));
    positions_ = register_module("positions", nn::Embedding(options.context, kWidth));
    dropout_ = register_module("dropout", nn::Dropout(kDropout));
    for (int64_t i = 0; i < kLayers; ++i) {
      blocks_.push_back(register_module("block" + std::to_string(i), std::make_shared<DecoderBlock>()));
    }
    norm_ = register_module("norm", nn::LayerNorm(nn::LayerNormOptions({kWidth})));
    head_ = register_module("head", nn::Linear(nn::LinearOptions(kWidth, options.vocabulary).bias(false)));
    torch::NoGradGuard no_grad;
    for (const auto& item : named_parameters()) {
      if (item.value().dim() == 2) item.value().normal_(0.0, 0.02);
    }
  }

  torch::Tensor logits(const torch::Tensor& input) override {
    if (input.size(1) > context_) {
      throw Error("gpt: a sequence of " + std::to_string(input.size(1)) + " characters is longer than the context of " +
                  std::to_string(context_));
    }
    const torch::Tensor places = torch::arange(input.size(1), input.options());
    torch::Tensor x = dropout_->forward(characters_->forward(input) + positions_->forward(places));
    for (auto& block : blocks_) x = block->forward(x);
    return head_->forward(norm_->forward(x));
  }

  std::string metric() const override { return "next-character accuracy"; }

 private:
  int64_t context_;
  nn::Embedding characters_{nullptr}, positions_{nullptr};
  nn::Dropout dropout_{nullptr};
  std::vector<std::shared_ptr<DecoderBlock>> blocks_;
  nn::LayerNorm norm_{nullptr};
  nn::Linear head_{nullptr};
};

}  // namespace

std::shared_ptr<Model> make_gpt(const ModelOptions& options) { return std::make_shared<Gpt>(options); }

}  // namespace cinch::models
