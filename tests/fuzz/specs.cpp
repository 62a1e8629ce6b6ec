#include <array>
#include <memory>

#include "tests/fuzz/fuzz.h"

namespace cinch::fuzz {

std::span<const CodecSpec> specs() {
  using Text = std::string;
  static const std::vector<CodecSpec> rows{
      {"mask", {}},
      {"bits", {}},
      {"int", {}},
      {"group_quant", {{"bits", int64_t{1}}}},
      {"group_quant", {{"bits", int64_t{2}}}},
      {"group_quant", {{"bits", int64_t{4}}}},
      {"group_quant", {{"bits", int64_t{8}}}},
      {"group_quant", {{"bits", int64_t{1}}, {"rounding", Text("nearest")}}},
      {"group_quant", {{"bits", int64_t{4}}, {"rounding", Text("nearest")}}},
      {"lfc", {{"block", int64_t{8}}, {"bits", int64_t{2}}}},
      {"lfc", {{"block", int64_t{4}}, {"bits", int64_t{1}}}},
      {"lfc", {{"block", int64_t{3}}, {"bits", int64_t{4}}}},
      {"lfc", {{"block", int64_t{64}}, {"bits", int64_t{8}}}},
      {"lfc", {{"block", int64_t{1}}, {"bits", int64_t{2}}}},
      {"pool", {{"block", int64_t{2}}}},
      {"pool", {{"block", int64_t{4}}}},
      {"pool", {{"block", int64_t{8}}}},
      {"fixed_point", {{"bits", int64_t{4}}}},
      {"fixed_point", {{"bits", int64_t{8}}}},
      {"cast", {{"dtype", Text("bf16")}}},
      {"cast", {{"dtype", Text("fp16")}}},
      {"cast", {{"dtype", Text("fp8_e4m3")}}},
      {"cast", {{"dtype", Text("fp8_e5m2")}}},
      {"dither", {{"step_sigma", 1.0}}},
      {"dither", {{"step_sigma", 0x1p-5}}},
      {"dither", {{"step_sigma", 8.0}}},
      {"dither", {{"step_sigma", 1.0}, {"predict", Text("channel")}}},
      {"dither", {{"step_sigma", 0.1}, {"predict", Text("channel")}}},
      {"dither", {{"step_sigma", 1.0}, {"predict", Text("lorenzo")}}},
      {"dither", {{"step_sigma", 0.1}, {"predict", Text("lorenzo")}}},
      {"error_bound", {{"bound", 0.01}}},
      {"error_bound", {{"bound", 0.5}, {"relative", false}, {"predict", Text("none")}}},
      {"error_bound", {{"bound", 0.05}, {"relative", false}, {"predict", Text("lorenzo")}}},
      {"error_bound", {{"bound", 1e-30}, {"relative", false}}},
      {"error_bound", {{"bound", 1e30}, {"relative", true}}},
      {"group_quant", {{"average_bits", 1.0}}},
      {"group_quant", {{"average_bits", 2.5}}},
      {"group_quant", {{"average_bits", 8.0}, {"rounding", Text("nearest")}}},
      {"dither", {{"average_bits", 2.5}}},
      {"dither", {{"average_bits", 6.0}, {"predict", Text("lorenzo")}}},
  };
  return rows;
}

const Codec& codec_at(uint8_t number) {
  static const auto codecs = [] {
    std::vector<std::shared_ptr<const Codec>> all;
    for (const CodecSpec& spec : specs()) all.push_back(make_codec(spec));
    return all;
  }();
  return *codecs[number % codecs.size()];
}

}  // namespace cinch::fuzz
