#include "hooks/replay/trial_values.h"

#include <ATen/ops/sub.h>

#include <cmath>

#include "hooks/replay/squared_norm.h"
#include "hooks/store/store.h"

namespace cinch::hooks {
namespace {

// Draws of replays are not those of any step.
constexpr uint64_t kReplaySeed = 0x9e6c63d0a2b7f15dull;

// What stands for lossy forms of a payload that has none.
std::shared_ptr<const Codec> usual_codec() { return shared_codec(CodecSpec{"dither", {{"step_sigma", 1.0}}}); }

}  // namespace

std::variant<TrialValues, std::string> try_values(Payload& payload, const Want& want, uint64_t turn) {
  const backend::DeviceMemory& memory = payload.store->memory();
  if (memory.kind() != DeviceKind::kCpu) return "replays run on the CPU alone";
  std::shared_ptr<const Codec> codec = payload.values_codec();
  if (codec == nullptr || codec->error_class() == ErrorClass::kExact) codec = usual_codec();
  const auto form =
      form_for(codec->spec(), codec, payload.wants, payload.span.numel, payload.dtype(), DeviceKind::kCpu);
  if (!form || !form->values) return "no lossy form serves it";
  const at::Tensor now = payload.unpack(want, View{{payload.span.numel}, {1}, 0});
  CodecContext context = payload.store->context(payload);
  context.seed ^= kReplaySeed;
  context.step = turn;
  const Extent extent{now.const_data_ptr(), payload.span.numel, payload.dtype()};
  const auto room_bytes = codec->measure(extent, form->side, context);
  if (!room_bytes) return "its values cannot be coded";
  at::Tensor again = memory.empty(payload.span.numel, payload.span.type);
  {
    at::Tensor room = memory.empty(*room_bytes, c10::kByte);
    const std::span<std::byte> bytes(static_cast<std::byte*>(room.mutable_data_ptr()),
                                     static_cast<size_t>(*room_bytes));
    const auto written = codec->encode(extent, form->side, bytes, context);
    if (!written) return "its values cannot be coded";
    codec->decode(bytes.first(static_cast<size_t>(*written)), again.mutable_data_ptr(), payload.span.numel,
                  payload.dtype(), context);
  }
  // Half precision has no range for squares.
  const at::Tensor before = now.to(at::kFloat);
  const double moment = squared_norm(before);
  const double error = squared_norm(at::sub(again.to(at::kFloat), before));
  if (!(moment > 0) || !(error > 0) || !std::isfinite(error / moment)) return "coding it makes no error";
  return TrialValues{again.storage(), error / moment};
}

}  // namespace cinch::hooks
