#include "src/methods/methods.h"

#include <array>
#include <string>

namespace cinch {
namespace {

constexpr std::array<int64_t, 4> kBits{1, 2, 4, 8};
constexpr std::array<int64_t, 1> kGroups{256};
constexpr std::array<std::string_view, 2> kRoundings{"stochastic", "nearest"};

constexpr std::array<ParamInfo, 4> kGroupQuantParams{{
    {"bits", int64_t{4}, kBits, {}, "bits per value"},
    {"group", int64_t{256}, kGroups, {}, "values that share a minimum and a step"},
    {"rounding",
     std::string_view("stochastic"),
     {},
     kRoundings,
     "stochastic: unbiased; nearest: a smaller bound, biased"},
    {.name = "average_bits",
     .fallback = 0.0,
     .integers = {},
     .texts = {},
     .description = "instead of bits: each group has 1, 2, 4 or 8, as its range asks for, so many on average",
     .integer_range = {},
     .numbers = Range{1.0, 8.0},
     .instead_of = "bits"},
}};

constexpr std::array<int64_t, 3> kPoolBlocks{2, 4, 8};
constexpr std::array<ParamInfo, 2> kLfcParams{{
    {"block", int64_t{8}, {}, {}, "positions of a block along each side", IntegerRange{1, 64}},
    {"bits", int64_t{2}, kBits, {}, "bits per value of what the block averages leave"},
}};
constexpr std::array<ParamInfo, 1> kPoolParams{{
    {"block", int64_t{2}, kPoolBlocks, {}, "positions of a block along each side"},
}};

constexpr std::array<int64_t, 2> kFixedPointBits{4, 8};
constexpr std::array<ParamInfo, 1> kFixedPointParams{{
    {"bits", int64_t{8}, kFixedPointBits, {}, "bits per value"},
}};
constexpr std::array<std::string_view, 4> kNarrowTypes{"bf16", "fp16", "fp8_e4m3", "fp8_e5m2"};
constexpr std::array<ParamInfo, 1> kCastParams{{
    {"dtype", std::string_view("bf16"), {}, kNarrowTypes, "the narrower type"},
}};

constexpr std::array<std::string_view, 3> kDitherPredictions{"none", "channel", "lorenzo"};
constexpr std::array<ParamInfo, 3> kDitherParams{{
    {.name = "step_sigma",
     .fallback = 1.0,
     .integers = {},
     .texts = {},
     .description = "distance of neighbouring levels, in standard deviations of the tensor, or of each channel",
     .integer_range = {},
     .numbers = Range{0x1p-5, 8.0}},
    {"predict",
     std::string_view("none"),
     {},
     kDitherPredictions,
     "channel: from mean and deviation of each channel; lorenzo: from neighbours, with one dither a chunk"},
    {.name = "average_bits",
     .fallback = 0.0,
     .integers = {},
     .texts = {},
     .description = "instead of step_sigma: the finest step whose payload takes no more bits per value (cpu alone)",
     .integer_range = {},
     .numbers = Range{0.5, 12.0},
     .instead_of = "step_sigma"},
}};

constexpr std::array<std::string_view, 3> kPredictions{"auto", "none", "lorenzo"};
constexpr std::array<ParamInfo, 3> kErrorBoundParams{{
    {.name = "bound",
     .fallback = 0.01,
     .integers = {},
     .texts = {},
     .description = "largest error of a value",
     .integer_range = {},
     .numbers = Range{1e-30, 1e30}},
    {"relative", true, {}, {}, "the bound is a share of (largest - smallest value), not in the tensor's own units"},
    {"predict",
     std::string_view("auto"),
     {},
     kPredictions,
     "lorenzo: from neighbours along each axis; auto: whichever takes fewer bits of a sample"},
}};

constexpr std::array<MethodInfo, 13> kMethods{{
    {"keep", true, "exact", "the tensor itself, untouched", "cinch", {}},
    {"shape", true, "exact", "no values at all: sizes, strides and dtype", "cinch", {}},
    {"mask", true, "exact", "one predicate of each value, 1 bit (2 for a sign)", "cinch", {}},
    {"bits", true, "exact", "booleans, 1 bit each", "cinch", {}},
    {"int",
     true,
     "exact",
     "integers, as few bits as their range needs; pooling indices as offsets in their window",
     "cinch",
     {}},
    {"offload", true, "exact", "the tensor itself, in pinned host memory (CUDA)", "cinch", {}},
    {"group_quant", false, "unbiased", "fixed rate, minimum and step for each group of 256 values",
     "ActNN (Chen et al., ICML 2021), GACT (Liu et al., ICML 2022)", kGroupQuantParams},
    {"lfc", false, "unbiased", "block averages, and what they leave at a fixed rate with a range for each map",
     "DIVISION (Wang et al., ICML 2023)", kLfcParams},
    {"pool", false, "bounded", "block averages alone", "Barley & Froening (2024)", kPoolParams},
    {"fixed_point", false, "bounded", "fixed rate, a fixed range for each channel; x > 0 is kept exactly",
     "Chakrabarti & Moseley (NeurIPS 2019)", kFixedPointParams},
    {"cast", false, "bounded", "a narrower floating-point type, nearest even", "cinch", kCastParams},
    {"dither", false, "unbiased",
     "subtractive dither and a prefix code, about 2.1 bits per value at one sigma; zeros exact", "cinch",
     kDitherParams},
    {"error_bound", false, "bounded",
     "levels within a bound of each value, predicted from neighbours where that helps, and a prefix code; zeros exact",
     "COMET (Jin et al., VLDB 2022), SZ (Di & Cappello, IPDPS 2016), cuSZ (Tian et al., PACT 2020)", kErrorBoundParams},
}};

}  // namespace

std::span<const MethodInfo> methods() noexcept { return kMethods; }

const MethodInfo* find_method(std::string_view name) noexcept {
  for (const MethodInfo& m : kMethods) {
    if (m.name == name) return &m;
  }
  return nullptr;
}

std::string method_names() {
  std::string names;
  for (const MethodInfo& m : kMethods) names += (names.empty() ? "" : ", ") + std::string(m.name);
  return names;
}

}  // namespace cinch
