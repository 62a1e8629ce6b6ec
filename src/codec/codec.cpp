// Defaults of the contract.
#include "cinch/codec.h"

namespace cinch {

bool Codec::keeps_zeros(DType) const noexcept { return error_class() == ErrorClass::kExact; }

std::optional<int64_t> Codec::measure(const Extent& in, const SideInfo& side, const CodecContext& /*context*/) const {
  return payload_bound(in.numel, in.dtype, side);
}

std::optional<int64_t> Codec::expected_bytes(const Extent& in, const SideInfo& side,
                                             const CodecContext& context) const {
  return measure(in, side, context);
}

std::optional<int64_t> Codec::recode(std::span<const std::byte> /*payload*/, int64_t /*numel*/, DType /*dtype*/,
                                     const Codec& /*coarser*/, std::span<std::byte> /*out*/,
                                     const CodecContext& /*context*/) const {
  return std::nullopt;
}

}  // namespace cinch
