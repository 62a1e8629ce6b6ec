// Any values, grid and predicate: refused, declined, or coded as the method promises, and the same however it is run.
#include <cmath>
#include <optional>

#include "cinch/error.h"
#include "tests/contract/promise.h"
#include "tests/fuzz/values.h"

namespace cinch::fuzz {
namespace {

struct Call {
  const Codec& codec;
  Extent in;
  SideInfo side;
  CodecContext context;

  [[noreturn]] void fail(const std::string& why) const { throw Defect(to_string(codec.spec()) + ": " + why); }
};

// The payload, or nullopt: declined.
std::optional<std::vector<std::byte>> encode(const Call& call) {
  const auto measured = call.codec.measure(call.in, call.side, call.context);
  if (!measured) return std::nullopt;
  if (*measured > call.codec.payload_bound(call.in.numel, call.in.dtype, call.side))
    call.fail("measure is beyond payload_bound");
  // What was there before must not show in the payload.
  const Guarded room(*measured,
                     std::byte{static_cast<uint8_t>(call.context.executor == &serial_executor() ? 0 : 0xff)});
  const auto bytes = call.codec.encode(call.in, call.side, room.span(), call.context);
  if (!room.intact()) call.fail("encode wrote outside of its room");
  if (!bytes) return std::nullopt;
  if (*bytes > *measured || *bytes < 64) call.fail("a payload of " + std::to_string(*bytes) + " bytes");
  const auto payload = room.span().first(static_cast<size_t>(*bytes));
  return std::vector<std::byte>(payload.begin(), payload.end());
}

void encode_into_less(const Call& call, int64_t room_bytes) {
  const Guarded room(room_bytes);
  try {
    if (const auto bytes = call.codec.encode(call.in, call.side, room.span(), call.context);
        bytes && *bytes > room_bytes)
      call.fail("a payload longer than its room");
  } catch (const CodecError&) {
  }
  if (!room.intact()) call.fail("encode wrote outside of less room than it asked for");
}

void check_estimate(const Call& call) {
  if (call.in.numel == 0) return;
  const Estimate e = call.codec.estimate(compute_stats(call.in), call.in.numel, call.in.dtype, call.side);
  if (e.bytes < 0 || !(e.encode_seconds >= 0) || !(e.decode_seconds >= 0)) call.fail("a negative estimate");
}

void decode_and_check(const Call& call, std::span<const std::byte> bytes) {
  const Guarded payload(bytes), out(call.in.numel * dtype_bytes(call.in.dtype), std::byte{0xff});
  try {
    call.codec.decode(payload.span(), out.data(), call.in.numel, call.in.dtype, call.context);
  } catch (const CodecError& e) {
    call.fail(std::string("refuses what it made: ") + e.what());
  }
  if (!out.intact()) call.fail("decode wrote outside of its output");
  testing::check_promise(call.codec, call.in, call.side, bytes, out.data());
}

void recode_and_check(const Call& call, std::span<const std::byte> bytes) {
  const Guarded payload(bytes);
  for (size_t k = 0; k < specs().size(); ++k) {
    const Codec& coarser = codec_at(static_cast<uint8_t>(k));
    if (coarser.spec().name != call.codec.spec().name) continue;
    const Guarded room(coarser.payload_bound(call.in.numel, call.in.dtype, call.side));
    const auto size =
        call.codec.recode(payload.span(), call.in.numel, call.in.dtype, coarser, room.span(), call.context);
    if (!room.intact()) call.fail("recode wrote outside of its room");
    if (!size) continue;
    const Guarded out(call.in.numel * dtype_bytes(call.in.dtype));
    coarser.decode(room.span().first(static_cast<size_t>(*size)), out.data(), call.in.numel, call.in.dtype, {});
  }
}

}  // namespace

void run_encode(std::span<const std::byte> bytes) {
  Input input(bytes);
  const auto head = input.take<Head>();
  const auto shape = input.take<Shape>();
  const Codec& codec = codec_at(head.spec);
  const DType dtype = head.type();
  if (!codec.supports(dtype, DeviceKind::kCpu)) return;
  int64_t numel = head.values();
  const SideInfo side = take_side(input, shape, numel);
  const Guarded data(numel * dtype_bytes(dtype));
  fill_values(input, shape, dtype, numel, data);
  const BackwardExecutor backward;
  Call call{codec, {data.data(), numel, dtype}, side, {shape.seed, 1, 2}};
  Call other = call;
  other.context.executor = &backward;
  try {
    std::optional<std::vector<std::byte>> payload, again;
    on_instruction_set(head.way, [&] { payload = encode(call); });
    on_instruction_set(head.way + 1u + head.way / 16u, [&] { again = encode(other); });
    if (payload != again) call.fail("the payload depends on how it is made");
    check_estimate(call);
    if (!payload) return;
    decode_and_check(call, *payload);
    recode_and_check(call, *payload);
    encode_into_less(call, static_cast<int64_t>(payload->size()) * (head.flags % 64) / 64);
  } catch (const CodecError&) {
    // Misuse: a grid, a predicate or a geometry that is none.
  }
}

}  // namespace cinch::fuzz
