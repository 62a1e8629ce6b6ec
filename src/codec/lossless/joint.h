// Planes that join two tensors: how each value of the first one compares with its partner in the other one, and
// stand-ins for both that compare the same way. CPU only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "cinch/codec.h"

namespace cinch::codec {

// `size` steps of the first tensor, during which its partner's address moves on by `stride` elements a step.
struct JointAxis {
  int64_t size = 1;
  int64_t stride = 0;  // 0: one partner for all of them
  bool operator==(const JointAxis&) const = default;
};

constexpr size_t kMaxJointAxes = 8;

// The other tensor, of the same dtype, as the first one's values meet it.
struct Partner {
  const void* data = nullptr;
  std::span<const JointAxis> axes;  // of the first tensor's memory order, outermost first
};

// Bytes of the plane of `numel` values.
int64_t joint_bytes(PredicateKind kind, int64_t numel);

// Writes the plane to the front of `out`, which has room for joint_bytes(). Never declines. Throws CodecError for
// misuse: a predicate that is not joint, a dtype that is no float, axes that are too many or of another
// number of values.
void encode_joint(const Predicate& predicate, const Extent& first, const Partner& partner, std::span<std::byte> out,
                  const CodecContext& context);

// Writes the first tensor's stand-ins. Throws CodecError for a damaged plane.
void decode_joint(std::span<const std::byte> payload, PredicateKind kind, void* out, int64_t numel, DType dtype,
                  const CodecContext& context);

// Stands in for every value of the other tensor.
double partner_stand_in(PredicateKind kind) noexcept;

// `numel` times that number.
void fill_partner(PredicateKind kind, void* out, int64_t numel, DType dtype);

}  // namespace cinch::codec
