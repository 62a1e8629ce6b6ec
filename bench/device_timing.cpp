#include "bench/device_timing.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <span>

#include "bench/aligned_buffer.h"
#include "src/backend/cuda/device_buffer.h"
#include "src/backend/cuda/device_timer.h"

namespace cinch::bench {
namespace {

using backend::DeviceBuffer;

std::span<std::byte> bytes_of(const DeviceBuffer& buffer) {
  return {buffer.data(), static_cast<size_t>(buffer.size())};
}

bool holds(const DeviceBuffer& buffer, const AlignedBuffer& expected) {
  const AlignedBuffer found = make_aligned(buffer.size());
  buffer.copy_to(found.get());
  return std::memcmp(found.get(), expected.get(), static_cast<size_t>(buffer.size())) == 0;
}

}  // namespace

DeviceTiming time_codec_on_device(const Codec& codec, const Extent& in, const SideInfo& side, int rounds,
                                  int64_t bytes_of_round) {
  DeviceTiming row;
  row.raw_bytes = in.numel * dtype_bytes(in.dtype);
  CodecContext context;
  context.device = DeviceKind::kCuda;
  const DeviceBuffer values(in.data, row.raw_bytes);
  const Extent extent{values.data(), in.numel, in.dtype};
  const auto bytes = codec.measure(extent, side, context);
  if (!bytes) {
    row.declined = true;
    return row;
  }
  row.coded_bytes = *bytes;
  DeviceBuffer payload(*bytes), out(row.raw_bytes);
  const auto encode = [&] { codec.encode(extent, side, bytes_of(payload), context); };
  const auto decode = [&] { codec.decode(bytes_of(payload), out.data(), in.numel, in.dtype, context); };
  const auto copy = [&] { out.copy_from(values); };
  row.calls = static_cast<int>(std::clamp<int64_t>(bytes_of_round / std::max<int64_t>(1, row.raw_bytes), 1, 1000));
  backend::DeviceTimer timer;
  const auto seconds = [&](const auto& call) {
    timer.start();
    for (int i = 0; i < row.calls; ++i) call();
    timer.stop();
    return timer.seconds() / row.calls;
  };
  // The first calls load kernels.
  copy();
  encode();
  decode();
  double best_encode = std::numeric_limits<double>::infinity(), best_decode = best_encode, best_copy = best_encode;
  for (int r = 0; r < rounds; ++r) {
    best_copy = std::min(best_copy, seconds(copy));
    best_encode = std::min(best_encode, seconds(encode));
    best_decode = std::min(best_decode, seconds(decode));
  }
  const auto gbps = [](int64_t moved, double s) { return s > 0 ? static_cast<double>(moved) / s / 1e9 : 0.0; };
  row.device_copy_gbps = gbps(2 * row.raw_bytes, best_copy);
  row.encode_gbps = gbps(row.raw_bytes + row.coded_bytes, best_encode);
  row.decode_gbps = gbps(row.raw_bytes + row.coded_bytes, best_decode);

  // A payload in slots has other bytes than the CPU's, which decodes it as well.
  if (codec.spec().name == "dither" || codec.spec().name == "error_bound") {
    const AlignedBuffer fetched = make_aligned(*bytes), values_of_cpu = make_aligned(row.raw_bytes);
    payload.copy_to(fetched.get());
    const std::span<const std::byte> there(fetched.get(), static_cast<size_t>(*bytes));
    codec.decode(there, values_of_cpu.get(), in.numel, in.dtype, CodecContext());
    row.verified = holds(out, values_of_cpu);
    return row;
  }
  const AlignedBuffer expected = make_aligned(*bytes), decoded = make_aligned(row.raw_bytes);
  const std::span<std::byte> room(expected.get(), static_cast<size_t>(*bytes));
  const auto written = codec.encode(in, side, room, CodecContext());
  if (!written || *written != *bytes) return row;
  codec.decode(room, decoded.get(), in.numel, in.dtype, CodecContext());
  row.verified = holds(payload, expected) && holds(out, decoded);
  return row;
}

}  // namespace cinch::bench
