// Where CUDA was not built: nobody gets here, since no codec then supports CUDA tensors; should somebody, it is said.
#include "cinch/error.h"
#include "src/codec/entropy_coded/device.h"
#include "src/codec/fixed_rate/device.h"
#include "src/codec/lossless/device.h"

namespace cinch::codec {
namespace {

[[noreturn]] void absent() { throw CodecError("this cinch was built without CUDA"); }

}  // namespace

void device_encode(const void*, const Header&, const GroupQuantParams&, std::byte*, uint32_t*, void*) { absent(); }
void device_decode(const std::byte*, int64_t, int, DType, void*, void*) { absent(); }
void device_recode(const std::byte*, int, const Header&, const GroupQuantParams&, std::byte*, uint32_t*, void*) {
  absent();
}
void device_encode_average(const void*, const Header&, const AverageLayout&, const GroupQuantParams&, std::byte*,
                           uint32_t*, void*) {
  absent();
}
void device_decode_average(const std::byte*, const AverageLayout&, int64_t, DType, void*, void*) { absent(); }
void device_cast_down(const void*, const Header&, Narrow, std::byte*, void*) { absent(); }
void device_cast_up(const std::byte*, Narrow, int64_t, DType, void*, void*) { absent(); }
void device_encode_channels(const void*, const Header&, const ChannelTensor&, std::byte*, uint32_t*, void*) {
  absent();
}
void device_decode_channels(std::span<const std::byte>, int64_t, int, DType, void*, void*) { absent(); }
void device_pool(const void*, const Header&, const BlockTensor&, std::byte*, uint32_t*, void*) { absent(); }
void device_unpool(std::span<const std::byte>, int64_t, int64_t, DType, void*, void*) { absent(); }
void device_encode_lfc(const void*, const Header&, const BlockTensor&, int, uint64_t, std::byte*, uint32_t*, void*) {
  absent();
}
void device_decode_lfc(std::span<const std::byte>, int64_t, int64_t, int, DType, void*, void*) { absent(); }
void device_dither_encode(const void*, DType, const Slots&, double, const Grid*, uint64_t, std::byte*,
                          const DeviceCounters&, void*) {
  absent();
}
void device_dither_decode(const std::byte*, const Slots&, DType, void*, void*) { absent(); }
void device_dither_channels_decode(std::span<const std::byte>, int64_t, DType, void*, void*) { absent(); }
void device_bound_encode(const void*, DType, const Slots&, const BoundAim&, const Grid&, uint64_t, std::byte*,
                         const DeviceCounters&, void*) {
  absent();
}
void device_bound_decode(const std::byte*, const Slots&, DType, void*, void*) { absent(); }
void device_mask(const void*, const Header&, const Predicate&, std::byte*, void*) { absent(); }
void device_bits(const void*, const Header&, std::byte*, void*) { absent(); }
void device_choose(const std::byte*, int64_t, int64_t, int64_t, void*, void*) { absent(); }
void device_to_offsets(const void*, const Header&, const StoredPool&, std::byte*, uint32_t*, void*) { absent(); }
void device_from_offsets(const std::byte*, int64_t, int, DType, void*, void*) { absent(); }

}  // namespace cinch::codec
