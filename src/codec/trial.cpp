// try_on_sample: the estimate that looks at values instead of statistics.
#include <algorithm>
#include <cmath>

#include "src/codec/stage/tensor_scale.h"
#include "src/codec/trial_sample.h"
#include "src/core/read_float.h"

namespace cinch {
namespace {

// Of one dtype, whose values are read without asking for it each time.
template <DType kType>
double mean_square_error(const void* values, const void* decoded, int64_t numel) {
  double squares = 0;
  int64_t finite = 0;
  for (int64_t i = 0; i < numel; ++i) {
    const double error = read_float(values, i, kType) - read_float(decoded, i, kType);
    const bool counts = std::isfinite(error);
    squares += counts ? error * error : 0.0;
    finite += counts ? 1 : 0;
  }
  return finite > 0 ? squares / static_cast<double>(finite) : 0.0;
}

double mean_square_error(const Extent& in, const void* decoded) {
  switch (in.dtype) {
    case DType::kFloat32:
      return mean_square_error<DType::kFloat32>(in.data, decoded, in.numel);
    case DType::kBFloat16:
      return mean_square_error<DType::kBFloat16>(in.data, decoded, in.numel);
    case DType::kFloat16:
      return mean_square_error<DType::kFloat16>(in.data, decoded, in.numel);
    default:
      return mean_square_error<DType::kFloat64>(in.data, decoded, in.numel);
  }
}

std::optional<double> coded_error(const Codec& codec, const Extent& in, const SideInfo& side,
                                  const CodecContext& context) {
  // All that a payload may take: what a sample of a part foretells may be too little for it.
  const codec::TrialMemory room(codec.payload_bound(in.numel, in.dtype, side)),
      decoded(in.numel * dtype_bytes(in.dtype));
  const auto bytes = codec.encode(in, side, room.span(), context);
  if (!bytes) return std::nullopt;
  codec.decode(room.span().first(static_cast<size_t>(*bytes)), decoded.data(), in.numel, in.dtype, context);
  return mean_square_error(in, decoded.data());
}

}  // namespace

std::optional<Trial> try_on_sample(const Codec& codec, const Extent& in, const SideInfo& side,
                                   const CodecContext& context, int64_t max_samples) {
  using Part = codec::LooksAtGrid::Part;
  const auto* looks = dynamic_cast<const codec::LooksAtGrid*>(&codec);
  const Part part = side.grid && looks != nullptr && in.numel > 0 ? looks->part_of(in.numel, side) : Part::kGroups;
  // Ranges and scales of few maps or channels may make most of a tensor's error, and only larger parts meet them.
  constexpr int64_t kMoreForGrids = 8;
  const bool more = part == Part::kMaps || part == Part::kChannels;
  const int64_t most = std::max<int64_t>(max_samples, kStatsGroup) * (more ? kMoreForGrids : 1);
  const bool whole = in.numel <= 2 * most;
  const auto* by_tensor = whole ? nullptr : dynamic_cast<const codec::TensorScaled*>(&codec);
  Trial trial;
  std::shared_ptr<const Codec> scaled;
  if (by_tensor != nullptr) {
    const auto found = by_tensor->at_scale_of(in, side, context);
    if (!found) return std::nullopt;
    trial.bytes = found->expected_bytes;
    scaled = found->codec;
  } else {
    const auto bytes = codec.expected_bytes(in, side, context);
    if (!bytes) return std::nullopt;
    trial.bytes = *bytes;
  }
  if (codec.error_class() == ErrorClass::kExact || in.numel == 0) return trial;
  std::optional<double> error;
  if (whole) {
    error = coded_error(codec, in, side, context);
  } else {
    const auto take = part == Part::kGroups     ? codec::sample_groups
                      : part == Part::kChannels ? codec::sample_channels
                                                : codec::sample_maps;
    const codec::TrialSample sample = take(in, side, most);
    error = coded_error(scaled ? *scaled : codec, sample.values, sample.side, context);
  }
  if (!error) return std::nullopt;
  trial.mean_square_error = *error;
  return trial;
}

}  // namespace cinch
