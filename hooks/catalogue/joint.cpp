#include "hooks/catalogue/joint.h"

#include <algorithm>

namespace cinch::hooks {
namespace {

const c10::IValue* argument(const OpInfo& op, c10::ArrayRef<const c10::IValue> inputs, const char* name) {
  for (size_t i = 0; i < op.arguments.size() && i < inputs.size(); ++i)
    if (op.arguments[i] == name) return &inputs[i];
  return nullptr;
}

// The dims that a reduction took away, none where it kept them; nullopt where its arguments are not understood.
std::optional<std::vector<bool>> dims_taken(const OpInfo& op, c10::ArrayRef<const c10::IValue> inputs, size_t rank) {
  std::vector<bool> taken(rank, false);
  const c10::IValue* const keep = argument(op, inputs, "keepdim");
  if (keep == nullptr || (keep->isBool() && keep->toBool())) return taken;
  const c10::IValue* const dim = argument(op, inputs, "dim");
  std::vector<int64_t> dims;
  if (dim != nullptr && dim->isIntList()) {
    dims = dim->toIntVector();
  } else if (dim == nullptr || !dim->isNone()) {
    return std::nullopt;
  }
  const auto n = static_cast<int64_t>(rank);
  for (const int64_t d : dims) {
    if (d < -n || d >= n) return std::nullopt;
    taken[static_cast<size_t>(d < 0 ? d + n : d)] = true;
  }
  if (dims.empty()) taken.assign(rank, true);
  return taken;
}

// The partner's stride along each dim of the leader: 0 where one partner stands for the whole dim.
std::optional<std::vector<int64_t>> partner_strides(const JointShape& leader, const JointShape& partner,
                                                    const std::vector<bool>& taken) {
  std::vector<int64_t> strides(leader.sizes.size(), 0);
  size_t left = partner.sizes.size();  // its dims are met from the right, as broadcasting does
  for (size_t d = leader.sizes.size(); d-- > 0 && left > 0;) {
    if (taken[d]) continue;
    --left;
    if (partner.sizes[left] == leader.sizes[d]) {
      strides[d] = partner.strides[left];
    } else if (partner.sizes[left] != 1) {
      return std::nullopt;
    }
  }
  return left == 0 ? std::optional(strides) : std::nullopt;
}

// In the order of the leader's memory, neighbours joined where the partner's steps allow it.
std::vector<codec::JointAxis> in_memory_order(const JointShape& leader, const std::vector<int64_t>& strides) {
  std::vector<size_t> order;
  for (size_t d = 0; d < leader.sizes.size(); ++d)
    if (leader.sizes[d] != 1) order.push_back(d);
  std::ranges::sort(order, [&](size_t a, size_t b) { return leader.strides[a] > leader.strides[b]; });
  std::vector<codec::JointAxis> axes;
  for (const size_t d : order) {
    const codec::JointAxis inner{leader.sizes[d], strides[d]};
    if (!axes.empty() && axes.back().stride == inner.stride * inner.size) {
      axes.back() = {axes.back().size * inner.size, inner.stride};
    } else {
      axes.push_back(inner);
    }
  }
  return axes;
}

}  // namespace

JointShape joint_shape(const at::Tensor& saved) {
  return {saved.sizes().vec(), saved.strides().vec(), saved.scalar_type(), saved.is_non_overlapping_and_dense(), false};
}

std::optional<JointLayout> joint_layout(const OpInfo& op, c10::ArrayRef<const c10::IValue> inputs,
                                        const std::array<const JointShape*, 2>& shapes) {
  if (shapes[0]->type != shapes[1]->type) return std::nullopt;
  for (const int leader : {0, 1}) {
    const JointShape& lead = *shapes[static_cast<size_t>(leader)];
    if (!lead.may_lead || !lead.dense) continue;
    const auto taken = dims_taken(op, inputs, lead.sizes.size());
    if (!taken) return std::nullopt;
    const auto strides = partner_strides(lead, *shapes[static_cast<size_t>(1 - leader)], *taken);
    if (!strides) continue;
    JointLayout layout{leader, in_memory_order(lead, *strides)};
    if (layout.axes.size() <= codec::kMaxJointAxes) return layout;
  }
  return std::nullopt;
}

}  // namespace cinch::hooks
