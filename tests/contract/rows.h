// One row a codec (with parameters, dtype and side information): how it joins the contract suite.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/contract/support.h"

namespace cinch::testing {

struct ContractRow {
  std::string name;  // of the test
  CodecSpec spec;
  DType dtype = DType::kFloat32;
  std::function<SideInfo(int64_t numel)> side;
  // Values of the kind that the codec is for.
  std::function<Buffer(int64_t numel, uint32_t seed)> data;
  // What decode promises of each value, beside the error class: exact bits, the same answer, a bound.
  std::function<::testing::AssertionResult(const Extent& in, const void* out)> verify;
  double mean_square_tolerance = 0;  // the estimate is within this factor of the truth; 0: lossless
  bool fits_less_room = false;       // takes coarser steps where it is given less room than it asked for
  double trial_tolerance = 0.125;    // what a part of the values tells is that near, where the part is chance
  double bytes_tolerance = 1;        // likewise; 1: the size depends on no value and is known before
};

inline void PrintTo(const ContractRow& row, std::ostream* out) { *out << row.name; }

std::vector<ContractRow> contract_rows();
std::vector<ContractRow> fixed_rate_rows();     // of them, those that look at a grid
std::vector<ContractRow> average_bits_rows();   // group_quant with average_bits
std::vector<ContractRow> entropy_coded_rows();  // and those whose size depends on the values

// Normal values, half of them cut to zero as a ReLU does, or with both bounds of the predicates among them.
Buffer activations(int64_t numel, uint32_t seed, DType dtype, bool relu);
// Whether each value is within a step of `bits` of its group's range, or half of one with nearest, and what bfloat16
// sides and the dtype's rounding add.
::testing::AssertionResult within_steps(const Extent& in, const void* out, int64_t bits, bool nearest);
inline std::string row_name(const ::testing::TestParamInfo<ContractRow>& info) { return info.param.name; }

}  // namespace cinch::testing
