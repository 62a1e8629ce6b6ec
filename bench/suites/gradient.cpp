// What each method, one spec for all values that a network saves, costs in bytes and in noise of the gradient. Masks,
// indices and what else has a lossless form keep that. The promise is made for ResNet-18 on Fashion-MNIST.
#include <torch/torch.h>

#include "bench/gradient_noise.h"
#include "bench/suite.h"
#include "examples/train/training.h"

namespace cinch::bench {
namespace {

constexpr int64_t kTrainedSteps = 60;
constexpr int kDraws = 5;

CodecSpec spec(const char* name, std::map<std::string, ParamValue> params) {
  return normalise({name, std::move(params)});
}

std::vector<CodecSpec> specs(bool quick) {
  std::vector<CodecSpec> all{spec("group_quant", {{"bits", int64_t{2}}}), spec("dither", {{"step_sigma", 1.4}}),
                             spec("lfc", {{"block", int64_t{8}}, {"bits", int64_t{2}}})};
  if (quick) return all;
  for (const int64_t bits : {1, 4, 8}) all.push_back(spec("group_quant", {{"bits", bits}}));
  for (const double step : {0.3, 0.5, 0.7, 1.0, 1.7, 1.9, 2.4}) all.push_back(spec("dither", {{"step_sigma", step}}));
  for (const double step : {0.5, 1.0, 1.9})
    all.push_back(spec("dither", {{"step_sigma", step}, {"predict", std::string("channel")}}));
  for (const double step : {0.3, 0.4, 0.5, 0.7, 1.0, 1.2, 1.4, 1.7, 2.0})
    all.push_back(spec("dither", {{"step_sigma", step}, {"predict", std::string("lorenzo")}}));
  for (const int64_t bits : {2, 4}) all.push_back(spec("lfc", {{"block", int64_t{4}}, {"bits", bits}}));
  for (const int64_t block : {2, 4}) all.push_back(spec("pool", {{"block", block}}));
  for (const int64_t bits : {4, 8}) all.push_back(spec("fixed_point", {{"bits", bits}}));
  for (const double bound : {0.01, 0.02, 0.04}) all.push_back(spec("error_bound", {{"bound", bound}}));
  for (const char* dtype : {"bf16", "fp8_e4m3", "fp8_e5m2"})
    all.push_back(spec("cast", {{"dtype", std::string(dtype)}}));
  return all;
}

// The loss keeps its log-probabilities: no method here is made for what is raised to a power.
Budget one_for_all(const CodecSpec& codec) {
  Budget budget;
  budget.min_effective_batch = 0;
  budget.rules = {{"*", codec, {}}, {"*softmax*", CodecSpec{"keep", {}}, {}}};
  return budget;
}

struct Measured {
  CodecSpec codec;
  GradientNoise noise;
};

nlohmann::json to_row(const Measured& m, const train::Options& options) {
  const GradientNoise& n = m.noise;
  nlohmann::json codec = {{"name", m.codec.name}};
  for (const auto& [key, value] : m.codec.params) std::visit([&, &key = key](const auto& v) { codec[key] = v; }, value);
  nlohmann::json row = {{"codec", codec},
                        {"model", options.model},
                        {"data", train::data_name(options)},
                        {"batch", options.batch},
                        {"trained_steps", options.steps},
                        {"draws", kDraws},
                        {"lossy_sites", n.coded_sites},
                        {"raw_bytes", n.raw_bytes},
                        {"charged_bytes", n.charged_bytes},
                        {"bits_of_32", 32.0 * static_cast<double>(n.charged_bytes) / static_cast<double>(n.raw_bytes)},
                        {"fallbacks", n.fallbacks},
                        {"finite", n.finite}};
  if (!n.finite) return row;
  row["noise_variance"] = n.noise_variance;
  row["noise"] = std::sqrt(n.noise_variance);
  row["bias_variance"] = n.bias_variance;
  row["bias_of_noise"] = n.bias_variance / n.noise_variance;
  row["cosine"] = n.cosine;
  return row;
}

// The row of the least `key` among those of `dither` that keep to `fits`; null: none.
template <class Fits, class Key>
const Measured* best_dither(const std::vector<Measured>& all, Fits&& fits, Key&& key) {
  const Measured* best = nullptr;
  for (const Measured& m : all)
    if (m.codec.name == "dither" && m.noise.finite && fits(m.noise) && (!best || key(m.noise) < key(best->noise)))
      best = &m;
  return best;
}

// What `dither` must reach beside one row of another method.
constexpr double kMostNoise = 0.2, kMostBytes = 0.6;

void compare(const Measured& other, const std::vector<Measured>& all, SuiteResult& result) {
  const auto bytes = [](const GradientNoise& n) { return n.charged_bytes; };
  const auto variance = [](const GradientNoise& n) { return n.noise_variance; };
  const Measured* same_bytes = best_dither(
      all, [&](const GradientNoise& n) { return n.charged_bytes <= other.noise.charged_bytes; }, variance);
  const Measured* same_noise = best_dither(
      all, [&](const GradientNoise& n) { return n.noise_variance <= other.noise.noise_variance; }, bytes);
  nlohmann::json row = {{"against", to_string(other.codec)}};
  const std::string name = "dither beside " + to_string(other.codec) + ": ";
  if (same_bytes != nullptr) {
    row["same_bytes"] = to_string(same_bytes->codec);
    row["variance_ratio"] = same_bytes->noise.noise_variance / other.noise.noise_variance;
  }
  if (same_bytes == nullptr || row["variance_ratio"] > kMostNoise)
    result.failures.push_back(name + "more than a fifth of its noise variance at its bytes");
  if (same_noise != nullptr) {
    row["same_noise"] = to_string(same_noise->codec);
    row["bytes_ratio"] =
        static_cast<double>(same_noise->noise.charged_bytes) / static_cast<double>(other.noise.charged_bytes);
  }
  if (same_noise == nullptr || row["bytes_ratio"] > kMostBytes)
    result.failures.push_back(name + "more than 0.6 of its bytes at its noise");
  result.rows.push_back(row);
}

SuiteResult run(const SuiteOptions& suite) {
  train::Options options;
  if (!suite.model.empty()) options.model = suite.model;
  options.data = suite.data;
  options.text = suite.text;
  options.steps = suite.quick ? 2 : kTrainedSteps;
  if (suite.quick) options.batch = 16;
  const auto data = train::load_data(options);
  train::Training training(options, *data);
  for (int64_t i = 0; i < options.steps; ++i) training.step(training.next_batch());
  const models::Batch batch = training.next_batch();

  SuiteResult result;
  result.columns = {"codec",          "charged_bytes", "bits_of_32", "fallbacks", "noise_variance",
                    "noise",          "bias_of_noise", "cosine",     "against",   "same_bytes",
                    "variance_ratio", "same_noise",    "bytes_ratio"};
  std::vector<Measured> all;
  for (const CodecSpec& codec : specs(suite.quick)) {
    all.push_back({codec, gradient_noise(training.model(), batch, one_for_all(codec), kDraws)});
    if (all.back().noise.coded_sites == 0) result.failures.push_back(to_string(codec) + ": no site took it");
    result.rows.push_back(to_row(all.back(), options));
  }
  const bool promised = options.model == "resnet18" && train::data_name(options) == "fashion-mnist" && !suite.quick;
  for (const Measured& m : all) {
    const bool two_bits = m.codec.get_int("bits", 0) == 2 && m.noise.finite;
    if (promised && two_bits) compare(m, all, result);
  }
  return result;
}

const Registration registration("gradient", "bytes and gradient noise of each method, one spec for all values", run,
                                Devices::kCpu, Network::kChosen, {.text = true, .dump = false});

}  // namespace
}  // namespace cinch::bench
