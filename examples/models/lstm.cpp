// Two LSTM layers. Images: the rows are the sequence, the last state gives the class. Text: the next character.
#include <torch/torch.h>

#include "examples/models/model.h"

namespace cinch::models {
namespace {

namespace nn = torch::nn;

class Lstm : public Model {
 public:
  explicit Lstm(const ModelOptions& options) : text_(options.data == DataKind::kText) {
    const int64_t features = text_ ? kHidden : 28;
    if (text_) embedding_ = register_module("embedding", nn::Embedding(options.vocabulary, features));
    lstm_ = register_module("lstm", nn::LSTM(nn::LSTMOptions(features, kHidden).num_layers(2).batch_first(true)));
    fc_ = register_module("fc", nn::Linear(kHidden, text_ ? options.vocabulary : options.classes));
  }

  torch::Tensor logits(const torch::Tensor& input) override {
    const torch::Tensor sequence = text_ ? embedding_->forward(input) : input.squeeze(1);
    const torch::Tensor states = std::get<0>(lstm_->forward(sequence));
    return fc_->forward(text_ ? states : states.select(1, states.size(1) - 1));
  }

  std::string metric() const override { return text_ ? "next-character accuracy" : "accuracy"; }

 private:
  static constexpr int64_t kHidden = 192;
  bool text_;
  nn::Embedding embedding_{nullptr};
  nn::LSTM lstm_{nullptr};
  nn::Linear fc_{nullptr};
};

}  // namespace

std::shared_ptr<Model> make_lstm(const ModelOptions& options) { return std::make_shared<Lstm>(options); }

}  // namespace cinch::models
