#include "hooks/store/payload.h"

#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/variable.h>

#include "hooks/store/drop_signs.h"
#include "hooks/store/joint_pair.h"
#include "hooks/store/store.h"
#include "hooks/store/tensor_over.h"
#include "src/backend/torch/dtype.h"
#include "src/backend/torch/metered_allocator.h"

namespace cinch::hooks {
namespace {

std::span<const std::byte> bytes_of(const at::Tensor& tensor, int64_t offset, int64_t bytes) {
  return {static_cast<const std::byte*>(tensor.storage().data()) + offset, static_cast<size_t>(bytes)};
}

// A payload that came out smaller than its room by one in so many is moved to room of its own size.
constexpr int64_t kWorthMoving = 32;

}  // namespace

Payload::Payload(std::shared_ptr<Store> s, std::shared_ptr<StorageEntry> e, const Span& sp, const at::Tensor& tensor)
    : store(std::move(s)),
      entry(std::move(e)),
      span(sp),
      version(torch::autograd::impl::version_counter(tensor)),
      saved_version(version.current_version()),
      saved_stream(store->memory().current_stream()),
      dtype_(backend::to_dtype(sp.type)),
      raw_(tensor.tensor_data()),
      coded_stream_(saved_stream) {}

const backend::DeviceMemory& Payload::memory() const { return store->memory(); }

void Payload::use(const at::Tensor& tensor, const c10::Stream& made_on) const {
  memory().follow(made_on);
  memory().used_here(tensor.storage().data_ptr());
}

Payload::~Payload() { store->payload_freed(*this, std::move(raw_)); }

at::Tensor Payload::alias(const at::Tensor& base, int64_t base_offset, const View& view) const {
  return tensor_over(base.storage(), span.type, view.sizes, view.strides, base_offset + view.offset, version);
}

at::Tensor Payload::unpack(const Want& want, const View& view) {
  std::shared_ptr<HostCopy> host;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (raw_.defined()) return alias(raw_, span.begin, view);
    host = host_;
  }
  if (want.need == Need::kShape) {
    const int64_t bytes = (view.offset + span.numel) * static_cast<int64_t>(c10::elementSize(span.type));
    return tensor_over(memory().stand_in(bytes), span.type, view.sizes, view.strides, view.offset, version);
  }
  if (host) {
    auto values = store->offload()->fetch(*host, want.known_op);
    return tensor_over(std::move(values), span.type, view.sizes, view.strides, view.offset, version);
  }
  return decode(want, view);
}

const Payload::Part* Payload::part_for(const Want& want) const {
  const bool mask = want.need == Need::kMask && want.predicate.kind != PredicateKind::kTwoValued;
  const Part* values = nullptr;
  for (const Part& part : parts_) {
    if (part.values) values = &part;
    if (mask && !part.values && part.predicate == want.predicate) return &part;
  }
  // A pair has its plane before values become lossy.
  if (want.pair && values && values->codec && values->codec->error_class() != ErrorClass::kExact) return nullptr;
  return values;
}

bool Payload::decodes(const Want& want) const {
  if (want.pair && want.pair->decodes()) return true;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (raw_.defined() || want.need == Need::kShape) return false;
  if (host_) return true;
  const Part* part = part_for(want);
  return part != nullptr && part->codec != nullptr;
}

at::Tensor Payload::decode(const Want& want, const View& view) {
  const c10::DeviceGuard on(memory().device());
  // The buffer is made before the lock is taken: making it may ask the reclaimer, and that may want this payload.
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const Part* part = part_for(want);
    TORCH_CHECK(part != nullptr, "cinch: ", store->site_name(want.site), " was packed without what its backward needs");
    if (part->codec == nullptr) {
      use(coded_, coded_stream_);
      return alias(coded_, 0, view);
    }
    if (want.known_op) {
      if (auto shared = part->decoded ? part->decoded->lock() : c10::intrusive_ptr<c10::StorageImpl>()) {
        auto tensor =
            tensor_over(c10::Storage(std::move(shared)), span.type, view.sizes, view.strides, view.offset, version);
        use(tensor, part->decoded_stream);
        return tensor;
      }
    }
  }
  at::Tensor buffer = memory().empty(span.numel, span.type);
  const std::lock_guard<std::mutex> lock(mutex_);
  Part* part = const_cast<Part*>(part_for(want));
  use(coded_, coded_stream_);
  part->codec->decode(bytes_of(coded_, part->offset, part->bytes), buffer.mutable_data_ptr(), span.numel, dtype_,
                      store->context(*this));
  if (part->magnitude) drop_signs(buffer.mutable_data_ptr(), span.numel, dtype_, *store->context(*this).executor);
  if (want.known_op) {
    part->decoded = buffer.storage().getWeakStorageImpl();
    part->decoded_stream = memory().current_stream();
  }
  return tensor_over(buffer.storage(), span.type, view.sizes, view.strides, view.offset, version);
}

std::optional<Extent> Payload::raw_extent() const {
  if (!raw_.defined()) return std::nullopt;
  const auto element = static_cast<int64_t>(c10::elementSize(span.type));
  // Someone may have made the storage smaller meanwhile, which no version counter tells.
  if (static_cast<int64_t>(raw_.storage().nbytes()) < (span.begin + span.numel) * element) return std::nullopt;
  return Extent{static_cast<const std::byte*>(raw_.storage().data()) + span.begin * element, span.numel, dtype_};
}

bool Payload::encode(const Form& form, const CodecContext& context) {
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

at::Tensor Payload::release_raw() {
  const std::lock_guard<std::mutex> lock(mutex_);
  raw_state_.store(false, std::memory_order_release);
  return std::move(raw_);
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
  const auto written = parts_[0].codec->recode(bytes_of(coded_, parts_[0].offset, parts_[0].bytes), span.numel, dtype_,
                                               *coarser, {base, static_cast<size_t>(values_room)}, context);
  if (!written) return false;
  int64_t offset = values_room;
  for (size_t i = 1; i < parts_.size(); ++i) {
    const auto from = bytes_of(coded_, parts_[i].offset, parts_[i].bytes);
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

std::optional<std::function<TensorStats()>> Payload::later_stats() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto extent = raw_extent();
  if (!extent || dtype_ == DType::kOther) return std::nullopt;  // of elements that cinch does not know it knows nothing
  use(raw_, saved_stream);
  return memory().later_stats(*extent);
}

std::optional<int64_t> Payload::measure(const Form& form, const CodecContext& context) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto extent = raw_extent();
  if (!extent) return std::nullopt;
  int64_t bytes = 0;
  if (form.values) {
    const auto values = form.values->measure(*extent, form.side, context);
    if (!values) return std::nullopt;
    bytes = align_part(*values);
  }
  Form masks;
  masks.masks = form.masks;
  masks.pairs = form.pairs;
  return bytes + form_bound(masks, span.numel, dtype_);
}

std::optional<Payload::Values> Payload::exact_values() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (const auto extent = raw_extent())
    return Values{raw_, {static_cast<const std::byte*>(extent->data), static_cast<size_t>(raw_values_bytes())}};
  for (const Part& part : parts_)
    if (part.values && part.codec == nullptr) return Values{coded_, bytes_of(coded_, part.offset, part.bytes)};
  return std::nullopt;
}

std::shared_ptr<const Codec> Payload::values_codec() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return parts_.empty() || !parts_[0].values ? nullptr : parts_[0].codec;
}

}  // namespace cinch::hooks
