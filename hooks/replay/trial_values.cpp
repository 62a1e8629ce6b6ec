#include "hooks/replay/trial_values.h"

#include <ATen/ops/sub.h>

#include <algorithm>
#include <cmath>

#include "hooks/replay/squared_norm.h"
#include "hooks/store/store.h"

namespace cinch::hooks {
namespace {

// Draws of replays are not those of any step.
constexpr uint64_t kReplaySeed = 0x9e6c63d0a2b7f15dull;

// Values compared at once: memory may be short.
constexpr int64_t kCompared = 65536;

// Times the step of values that lie on a chunk's levels: a dozen places between two of the new levels (a few where
// steps are coarse, since errors are part of the deviation that counts then), so that they are about as far off as
// values anywhere would be. Beyond four deviations errors are larger than values.
constexpr double kCoarser = 2.6, kMostDeviations = 4;

// Values that a codec gave lie where it puts them again, without an error that could be measured: on its levels. With
// fewer bits levels are few enough to lie between them. dither's are elsewhere for each value, and may be tried again;
// where neighbours predict they are elsewhere for each chunk alone, and values on the same step's levels would all have
// the same error: many times what those of a save do together. Errors that chunks share have to be tried as such, since
// on flat maps they do up to thirty times as much as others. (Of `average_bits`, which rules alone ask for, the step is
// not known: each value has a draw then.)
std::shared_ptr<const Codec> trial_codec(const std::shared_ptr<const Codec>& codec) {
  CodecSpec trial{"dither", {{"step_sigma", 1.0}}};
  if (codec == nullptr) return shared_codec(trial);
  const CodecSpec& spec = codec->spec();
  if (spec.name == "dither") {
    if (spec.get_string("predict", "none") != "lorenzo") return codec;
    if (spec.get_double("average_bits", 0) > 0) return shared_codec(trial);
    trial.params["step_sigma"] = std::min(kMostDeviations, kCoarser * spec.get_double("step_sigma", 1.0));
    trial.params["predict"] = std::string("lorenzo");
  }
  if (spec.name == "group_quant")
    for (const int64_t bits : {4, 2, 1})
      if (bits < spec.get_int("bits", 0)) return shared_codec(CodecSpec{"group_quant", {{"bits", bits}}});
  return shared_codec(trial);
}

}  // namespace

std::variant<TrialValues, Untried> try_values(Payload& payload, const Want& want, uint64_t turn) {
  const backend::DeviceMemory& memory = payload.store->memory();
  if (memory.kind() != DeviceKind::kCpu) return Untried{"replays run on the CPU alone", true};
  const std::shared_ptr<const Codec> codec = trial_codec(payload.values_codec());
  const auto form =
      form_for(codec->spec(), codec, payload.wants, payload.span.numel, payload.dtype(), DeviceKind::kCpu);
  if (!form || !form->values) return Untried{"no lossy form serves it", true};
  const at::Tensor now = payload.unpack(want, View{{payload.span.numel}, {1}, 0});
  CodecContext context = payload.store->context(payload);
  context.seed ^= kReplaySeed;
  context.step = turn;
  Measured measured;
  context.measured = &measured;
  const Extent extent{now.const_data_ptr(), payload.span.numel, payload.dtype()};
  const auto room_bytes = codec->measure(extent, form->side, context);
  if (!room_bytes) return Untried{"its values cannot be coded"};
  at::Tensor again = memory.empty(payload.span.numel, payload.span.type);
  {
    at::Tensor room = memory.empty(*room_bytes, c10::kByte);
    const std::span<std::byte> bytes(static_cast<std::byte*>(room.mutable_data_ptr()),
                                     static_cast<size_t>(*room_bytes));
    const auto written = codec->encode(extent, form->side, bytes, context);
    if (!written) return Untried{"its values cannot be coded"};
    codec->decode(bytes.first(static_cast<size_t>(*written)), again.mutable_data_ptr(), payload.span.numel,
                  payload.dtype(), context);
  }
  double moment = 0, error = 0;
  for (int64_t begin = 0; begin < payload.span.numel; begin += kCompared) {
    const int64_t count = std::min(kCompared, payload.span.numel - begin);
    const at::Tensor before = now.narrow(0, begin, count).to(at::kFloat);  // half precision has no range for squares
    moment += squared_norm(before);
    error += squared_norm(at::sub(again.narrow(0, begin, count).to(at::kFloat), before));
  }
  if (!(moment > 0) || !(error > 0) || !std::isfinite(error / moment)) return Untried{"coding it makes no error"};
  // Counted as options count it, so that what such errors do together is in the sensitivity once.
  const double correlation = codec->estimate({}, payload.span.numel, payload.dtype(), form->side).error_correlation;
  return TrialValues{again.storage(), error / moment * correlation};
}

}  // namespace cinch::hooks
