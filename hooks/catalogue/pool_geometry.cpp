#include <array>

#include "hooks/catalogue/op_info.h"

namespace cinch::hooks {
namespace {

// A pair of ints as torch passes it: two, one for both, or none.
std::optional<std::array<int64_t, 2>> as_pair(const c10::IValue& value, const std::array<int64_t, 2>& if_empty) {
  if (!value.isIntList()) return std::nullopt;
  const auto list = value.toIntVector();
  if (list.empty()) return if_empty;
  if (list.size() == 1) return std::array<int64_t, 2>{list[0], list[0]};
  if (list.size() == 2) return std::array<int64_t, 2>{list[0], list[1]};
  return std::nullopt;
}

}  // namespace

std::optional<PoolGeometry> pool_geometry(const OpInfo& op, c10::ArrayRef<const c10::IValue> inputs,
                                          const at::Tensor& index) {
  // self, kernel_size, stride, padding, dilation, ceil_mode
  if (op.name != "aten::max_pool2d_with_indices" || !op.known || inputs.size() != 6 || !inputs[0].isTensor())
    return std::nullopt;
  const at::Tensor& self = inputs[0].toTensor();
  if (index.scalar_type() != at::kLong || index.numel() == 0) return std::nullopt;
  if (self.dim() != index.dim() || (self.dim() != 3 && self.dim() != 4)) return std::nullopt;
  const auto kernel = as_pair(inputs[1], {0, 0});
  if (!kernel) return std::nullopt;
  const auto stride = as_pair(inputs[2], *kernel);
  const auto pad = as_pair(inputs[3], {0, 0});
  const auto dilation = as_pair(inputs[4], {1, 1});
  if (!stride || !pad || !dilation) return std::nullopt;
  PoolGeometry g;
  g.channels = index.size(-3);
  g.planes = g.channels * (index.dim() == 4 ? index.size(0) : 1);
  if (!index.is_contiguous()) {
    if (index.dim() != 4 || !index.is_contiguous(at::MemoryFormat::ChannelsLast)) return std::nullopt;
    g.channels_last = true;
  }
  g.in_h = self.size(-2), g.in_w = self.size(-1);
  g.out_h = index.size(-2), g.out_w = index.size(-1);
  g.kernel_h = (*kernel)[0], g.kernel_w = (*kernel)[1];
  g.stride_h = (*stride)[0], g.stride_w = (*stride)[1];
  g.pad_h = (*pad)[0], g.pad_w = (*pad)[1];
  g.dilation_h = (*dilation)[0], g.dilation_w = (*dilation)[1];
  return g;
}

}  // namespace cinch::hooks
