#include "hooks/catalogue/op_info.h"

namespace cinch::hooks {
namespace {

// Of sizes [N, C, sides...], or [N, sides..., C] in memory.
Grid image(c10::IntArrayRef sizes, bool channels_last) {
  Grid grid;
  const int64_t n = sizes[0], c = sizes[1];
  for (size_t i = 2; i < sizes.size(); ++i) grid.sides[i + 3 - sizes.size()] = sizes[i];
  grid.outer = channels_last ? n : n * c;
  grid.inner = channels_last ? c : 1;
  grid.channels = channels_last ? 1 : std::max<int64_t>(1, c);
  return grid;
}

// Of sizes [..., L, C].
Grid tokens(c10::IntArrayRef sizes) {
  Grid grid;
  for (size_t i = 0; i + 2 < sizes.size(); ++i) grid.outer *= sizes[i];
  grid.sides[2] = sizes[sizes.size() - 2];
  grid.inner = sizes.back();
  return grid;
}

}  // namespace

std::optional<Grid> grid_of(const OpInfo& op, const at::Tensor& tensor) {
  const auto sizes = tensor.sizes();
  if (sizes.size() < 2 || sizes.size() > 5) return std::nullopt;
  if (tensor.is_contiguous()) {
    const bool is_image =
        sizes.size() == 5 || (sizes.size() == 4 && !op.attends) || (sizes.size() == 3 && op.channels_first);
    return is_image ? image(sizes, false) : tokens(sizes);
  }
  const bool last = sizes.size() == 4   ? tensor.is_contiguous(at::MemoryFormat::ChannelsLast)
                    : sizes.size() == 5 ? tensor.is_contiguous(at::MemoryFormat::ChannelsLast3d)
                                        : false;
  return last ? std::optional<Grid>(image(sizes, true)) : std::nullopt;
}

}  // namespace cinch::hooks
