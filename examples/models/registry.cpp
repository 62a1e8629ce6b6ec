#include <torch/torch.h>

#include "cinch/error.h"
#include "examples/models/model.h"

namespace cinch::models {
namespace {

struct Entry {
  const char* name;
  std::shared_ptr<Model> (*make)(const ModelOptions&);
  DataKind usual;
  bool other_data_too;
};

constexpr Entry kEntries[] = {
    {"resnet18", make_resnet18, DataKind::kImages, false},
    {"resnet50", make_resnet50, DataKind::kImages, false},
    {"vgg16", make_vgg16, DataKind::kImages, false},
    {"mobilenet_v2", make_mobilenet_v2, DataKind::kImages, false},
    {"unet", make_unet, DataKind::kImages, false},
    {"lstm", make_lstm, DataKind::kImages, true},
    {"gpt", make_gpt, DataKind::kText, false},
};

const Entry& find(const std::string& name) {
  std::string names;
  for (const Entry& entry : kEntries) {
    if (name == entry.name) return entry;
    names += (names.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw Error("unknown model '" + name + "'; known are " + names);
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
  if (options.data != entry.usual && !entry.other_data_too) {
    throw Error("model '" + name + "' learns from " + (entry.usual == DataKind::kText ? "text" : "images") +
                ", not from " + (options.data == DataKind::kText ? "text" : "images"));
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

torch::Tensor pad_to_32(const torch::Tensor& images, double value) {
  return torch::constant_pad_nd(images, {2, 2, 2, 2}, value);
}

}  // namespace cinch::models
