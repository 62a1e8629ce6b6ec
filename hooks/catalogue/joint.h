// How the two tensors meet that one op saves and compares in its backward.
#pragma once

#include <ATen/core/ivalue.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "hooks/catalogue/op_info.h"
#include "src/codec/lossless/joint.h"

namespace cinch::hooks {

// One of them, as it was saved.
struct JointShape {
  std::vector<int64_t> sizes, strides;
  c10::ScalarType type = c10::ScalarType::Undefined;
  bool dense = false;     // without gaps or overlaps, so that a plane can follow its memory
  bool may_lead = false;  // the plane may follow it
};
JointShape joint_shape(const at::Tensor& saved);

// What the plane follows, and where that one's values find their partners.
struct JointLayout {
  int leader = 0;
  std::vector<codec::JointAxis> axes;
};

// nullopt: no plane can stand for these two (the leader would have to be broadcast, has gaps, another dtype). Dims that
// the op has reduced away are those of its arguments `dim` and `keepdim`.
std::optional<JointLayout> joint_layout(const OpInfo& op, c10::ArrayRef<const c10::IValue> inputs,
                                        const std::array<const JointShape*, 2>& shapes);

}  // namespace cinch::hooks
