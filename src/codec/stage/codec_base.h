// What every codec shares: its spec, and the checks of what callers hand over.
#pragma once

#include <string>
#include <utility>

#include "cinch/codec.h"
#include "cinch/error.h"

namespace cinch::codec {

class CodecBase : public Codec {
 public:
  explicit CodecBase(CodecSpec normalised) : spec_(std::move(normalised)) {}
  const CodecSpec& spec() const noexcept override { return spec_; }

 protected:
  // Misuse of any call: an unsupported dtype, a negative size, missing data.
  void check_extent(const Extent& in) const {
    check_size(in.numel, in.dtype);
    if (in.numel > 0 && in.data == nullptr)
      throw CodecError(spec_.name + ": no data for " + std::to_string(in.numel) + " values");
  }
  void check_size(int64_t numel, DType dtype) const {
    if (!supports(dtype, DeviceKind::kCpu)) {
      throw CodecError(to_string(spec_) + ": " + std::string(cinch::to_string(dtype)) + " is not supported on the CPU");
    }
    // An eighth of the address range: no product or sum of sizes below can overflow.
    if (numel < 0 || numel > (int64_t{1} << 56))
      throw CodecError(spec_.name + ": " + std::to_string(numel) + " is not a number of values");
  }
  void check_room(std::span<std::byte> out, int64_t bytes) const {
    if (static_cast<int64_t>(out.size()) < bytes) {
      throw CodecError(spec_.name + ": the payload needs " + std::to_string(bytes) + " bytes, " +
                       std::to_string(out.size()) + " were given");
    }
  }
  // Of a payload in device memory, whose header the host does not read.
  void check_length(std::span<const std::byte> payload, int64_t bytes) const {
    if (static_cast<int64_t>(payload.size()) != bytes) {
      throw CodecError(spec_.name + ": a payload of " + std::to_string(bytes) + " bytes is expected, it has " +
                       std::to_string(payload.size()));
    }
  }
  // The same where sections depend on what its header holds: `bytes` are those of the others.
  void check_least_length(std::span<const std::byte> payload, int64_t bytes) const {
    if (static_cast<int64_t>(payload.size()) < bytes) {
      throw CodecError(spec_.name + ": a payload of at least " + std::to_string(bytes) + " bytes is expected, it has " +
                       std::to_string(payload.size()));
    }
  }
  void check_out(const void* out, int64_t numel) const {
    if (numel > 0 && out == nullptr)
      throw CodecError(spec_.name + ": no memory for " + std::to_string(numel) + " values");
  }

 private:
  CodecSpec spec_;
};

}  // namespace cinch::codec
