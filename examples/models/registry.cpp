#include <torch/torch.h>

#include "cinch/error.h"
#include "examples/models/model.h"

namespace cinch::models {
namespace {

// What a network can learn from, as bits.
constexpr unsigned kSmallImages = 1, kLargeImages = 2, kText = 4;

struct Entry {
  const char* name;
  std::shared_ptr<Model> (*make)(const ModelOptions&);
  DataKind usual;
  unsigned takes;
  const char* data_set;
  int64_t context = 128;
};

constexpr Entry kEntries[] = {
    {"resnet18", make_resnet18, DataKind::kImages, kSmallImages | kLargeImages, "fashion-mnist"},
    {"resnet50", make_resnet50, DataKind::kImages, kSmallImages | kLargeImages, "fashion-mnist"},
    {"vgg16", make_vgg16, DataKind::kImages, kSmallImages, "fashion-mnist"},
    {"mobilenet_v2", make_mobilenet_v2, DataKind::kImages, kSmallImages, "fashion-mnist"},
    {"unet", make_unet, DataKind::kImages, kSmallImages, "fashion-mnist"},
    {"lstm", make_lstm, DataKind::kImages, kSmallImages | kText, "fashion-mnist"},
    {"gpt", make_gpt, DataKind::kText, kText, "text"},
    {"vit_b16", make_vit_b16, DataKind::kImages, kLargeImages, "synthetic-images"},
    {"gpt2", make_gpt2, DataKind::kText, kText, "synthetic-text", 1024},
};

const Entry& find(const std::string& name) {
  std::string names;
  for (const Entry& entry : kEntries) {
    if (name == entry.name) return entry;
    names += (names.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw Error("unknown model '" + name + "'; known are " + names);
}

unsigned kind_of(const ModelOptions& options) {
  if (options.data == DataKind::kText) return kText;
  return is_large(options) ? kLargeImages : kSmallImages;
}

std::string in_words(unsigned kinds) {
  std::string words;
  for (const auto& [kind, word] :
       {std::pair{kSmallImages, "small images"}, {kLargeImages, "large images"}, {kText, "text"}}) {
    if ((kinds & kind) != 0) words += (words.empty() ? "" : " or ") + std::string(word);
  }
  return words;
}

}  // namespace

Output Model::run(const Batch& batch, bool score) {
  const torch::Tensor all = logits(batch.input);
  const torch::Tensor flat = all.reshape({-1, all.size(-1)});
  const torch::Tensor target = batch.target.reshape(-1);
  Output out;
  out.loss = torch::nn::functional::cross_entropy(flat, target);
  if (score) {
    torch::NoGradGuard no_grad;
    out.hits = flat.argmax(1).eq(target).sum().item<int64_t>();
    out.counted = target.numel();
  }
  return out;
}

std::shared_ptr<Model> make_model(const std::string& name, const ModelOptions& options) {
  const Entry& entry = find(name);
  const unsigned given = kind_of(options);
  if ((entry.takes & given) == 0) {
    throw Error("model '" + name + "' learns from " + in_words(entry.takes) + ", not from " + in_words(given));
  }
  if (options.data == DataKind::kText && (options.vocabulary < 1 || options.context < 1)) {
    throw Error("model '" + name + "' on text needs a vocabulary and a context of at least 1");
  }
  return entry.make(options);
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kEntries) names.emplace_back(entry.name);
  return names;
}

DataKind default_data(const std::string& name) { return find(name).usual; }
std::string default_data_set(const std::string& name) { return find(name).data_set; }
int64_t default_context(const std::string& name) { return find(name).context; }

torch::Tensor pad_to_32(const torch::Tensor& images, double value) {
  return torch::constant_pad_nd(images, {2, 2, 2, 2}, value);
}

}  // namespace cinch::models
