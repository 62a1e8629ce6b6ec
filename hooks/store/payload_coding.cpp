// How a payload becomes coded, and coded further.
#include <c10/core/DeviceGuard.h>

#include "hooks/store/payload.h"
#include "hooks/store/store.h"

namespace cinch::hooks {
namespace {

// A payload that came out smaller than its room by one in so many is moved to room of its own size.
constexpr int64_t kWorthMoving = 32;

}  // namespace

bool Payload::encode(const Form& form, const CodecContext& given) {
  const c10::DeviceGuard on(memory().device());
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto extent = raw_extent();
  if (!extent || coded_.defined() || host_) return false;
  use(raw_, saved_stream);
  if (form.offload) {
    if (Offload* offload = store->offload())
      host_ = offload->start({raw_.storage(), span.begin, span.numel, span.type, entry->sequence});
    return host_ != nullptr;
  }
  Measured measured;
  CodecContext context = given;
  context.measured = &measured;
  std::vector<Part> parts;
  std::vector<SideInfo> sides;
  int64_t total = 0;
  const auto add = [&](std::shared_ptr<const Codec> codec, const SideInfo& side, bool values) {
    const auto bytes = codec->measure(*extent, side, context);
    if (!bytes) return false;
    parts.push_back(Part{std::move(codec), side.predicate, values, false, total, *bytes, std::nullopt, saved_stream});
    sides.push_back(side);
    total += align_part(*bytes);
    return true;
  };
  if (form.copy) {
    parts.push_back(Part{nullptr, {}, true, false, 0, raw_values_bytes(), std::nullopt, saved_stream});
    sides.emplace_back();
    total = align_part(raw_values_bytes());
  }
  if (form.values && !add(form.values, form.side, true)) return false;
  for (const Predicate& predicate : form.masks) {
    SideInfo side;
    side.predicate = predicate;
    if (!add(shared_codec(CodecSpec{"mask", {}}), side, false)) return false;
  }
  if (!form.copy && total >= raw_values_bytes()) return false;
  at::Tensor coded;
  try {
    const backend::ReserveScope reserve;
    coded = memory().empty(total, c10::kByte);
  } catch (const c10::OutOfMemoryError&) {
    return false;
  }
  auto* base = static_cast<std::byte*>(coded.mutable_data_ptr());
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].codec == nullptr) {
      memory().copy(base + parts[i].offset, extent->data, parts[i].bytes);
      continue;
    }
    const auto written = parts[i].codec->encode(*extent, sides[i],
                                                {base + parts[i].offset, static_cast<size_t>(parts[i].bytes)}, context);
    if (!written) return false;
    parts[i].bytes = *written;
  }
  total = pack_closely(parts, total, coded);
  for (const Predicate& predicate : form.by_magnitude)
    parts.push_back(
        Part{parts[0].codec, predicate, false, true, parts[0].offset, parts[0].bytes, std::nullopt, saved_stream});
  coded_ = std::move(coded);
  coded_stream_ = memory().current_stream();
  parts_ = std::move(parts);
  coded_bytes_.store(total);
  return true;
}

int64_t Payload::pack_closely(std::vector<Part>& parts, int64_t room, at::Tensor& coded) const {
  int64_t total = 0;
  for (const Part& part : parts) total += align_part(part.bytes);
  if (total > room - room / kWorthMoving) return room;
  at::Tensor smaller;
  try {
    const backend::ReserveScope reserve;
    smaller = memory().empty(total, c10::kByte);
  } catch (const c10::OutOfMemoryError&) {
    return room;
  }
  auto* to = static_cast<std::byte*>(smaller.mutable_data_ptr());
  const auto* from = static_cast<const std::byte*>(coded.const_data_ptr());
  int64_t offset = 0;
  for (Part& part : parts) {
    memory().copy(to + offset, from + part.offset, part.bytes);
    part.offset = offset;
    offset += align_part(part.bytes);
  }
  coded = std::move(smaller);
  return total;
}

void Payload::discard_coded() {
  const std::lock_guard<std::mutex> lock(mutex_);
  coded_.reset();
  host_.reset();
  parts_.clear();
  coded_bytes_.store(0);
}

bool Payload::recode(const std::shared_ptr<const Codec>& coarser, const CodecContext& context) {
  const c10::DeviceGuard on(memory().device());
  const std::lock_guard<std::mutex> lock(mutex_);
  if (raw_.defined() || parts_.empty() || !parts_[0].values) return false;
  int64_t total = align_part(coarser->payload_bound(span.numel, dtype_, SideInfo{}));
  const int64_t values_room = total;
  for (size_t i = 1; i < parts_.size(); ++i) total += align_part(parts_[i].bytes);
  if (total >= coded_bytes()) return false;
  at::Tensor coded;
  try {
    const backend::ReserveScope reserve;
    coded = memory().empty(total, c10::kByte);
  } catch (const c10::OutOfMemoryError&) {
    return false;
  }
  use(coded_, coded_stream_);
  auto* base = static_cast<std::byte*>(coded.mutable_data_ptr());
  const auto written = parts_[0].codec->recode(bytes_of(parts_[0]), span.numel, dtype_, *coarser,
                                               {base, static_cast<size_t>(values_room)}, context);
  if (!written) return false;
  int64_t offset = values_room;
  for (size_t i = 1; i < parts_.size(); ++i) {
    const auto from = bytes_of(parts_[i]);
    memory().copy(base + offset, from.data(), parts_[i].bytes);
    parts_[i].offset = offset;
    offset += align_part(parts_[i].bytes);
  }
  parts_[0] = Part{coarser, {}, true, false, 0, *written, std::nullopt, coded_stream_};
  coded_ = std::move(coded);
  coded_stream_ = memory().current_stream();
  coded_bytes_.store(total);
  return true;
}

}  // namespace cinch::hooks
