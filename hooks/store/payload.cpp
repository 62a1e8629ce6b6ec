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

std::span<const std::byte> Payload::bytes_of(const Part& part) const {
  return {static_cast<const std::byte*>(coded_.storage().data()) + part.offset, static_cast<size_t>(part.bytes)};
}

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
  part->codec->decode(bytes_of(*part), buffer.mutable_data_ptr(), span.numel, dtype_, store->context(*this));
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

at::Tensor Payload::release_raw() {
  const std::lock_guard<std::mutex> lock(mutex_);
  raw_state_.store(false, std::memory_order_release);
  return std::move(raw_);
}

std::optional<std::function<TensorStats()>> Payload::later_stats() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto extent = raw_extent();
  if (!extent || dtype_ == DType::kOther) return std::nullopt;  // of elements that cinch does not know it knows nothing
  use(raw_, saved_stream);
  return memory().later_stats(*extent);
}

namespace {

// Plans are filled to the limit: what comes out a little larger than expected must not make the reclaimer work.
int64_t with_margin(int64_t expected_bytes, int64_t most_bytes) {
  return std::min(most_bytes, expected_bytes + expected_bytes / 50);
}

int64_t planes_bytes(const Form& form, int64_t numel, DType dtype) {
  Form planes;
  planes.masks = form.masks;
  planes.pairs = form.pairs;
  return form_bound(planes, numel, dtype);
}

// Options are many, and an observed step should not take much longer than others.
constexpr int64_t kTrialSamples = 32768;

}  // namespace

std::optional<int64_t> Payload::measure(const Form& form, const CodecContext& context) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto extent = raw_extent();
  return extent ? measure(form, *extent, context) : std::nullopt;
}

std::optional<int64_t> Payload::measure(const Form& form, const Extent& extent, const CodecContext& context) const {
  const int64_t planes = planes_bytes(form, span.numel, dtype_);
  if (!form.values) return planes;
  const auto values = form.values->measure(extent, form.side, context);
  return values ? std::optional(align_part(*values) + planes) : std::nullopt;
}

std::optional<Payload::Cost> Payload::cost(const Form& form, const Extent& extent, const CodecContext& context) const {
  if (!form.values || form.lossless || context.device != DeviceKind::kCpu) {
    const auto bytes = measure(form, extent, context);
    return bytes ? std::optional(Cost{*bytes, std::nullopt}) : std::nullopt;
  }
  const auto trial = try_on_sample(*form.values, extent, form.side, context, kTrialSamples);
  if (!trial) return std::nullopt;
  // Sizes that depend on no values are their bound.
  const int64_t most = form.values->payload_bound(span.numel, dtype_, form.side);
  return Cost{align_part(with_margin(trial->bytes, most)) + planes_bytes(form, span.numel, dtype_),
              trial->mean_square_error};
}

std::vector<std::optional<Payload::Cost>> Payload::costs(std::span<const Form> forms,
                                                         const CodecContext& context) const {
  std::vector<std::optional<Cost>> out(forms.size());
  std::vector<std::exception_ptr> failures(forms.size());  // none may leave a thread of a pool
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto extent = raw_extent();
  if (!extent) return out;
  // A GPU's current device and stream are this thread's. Few values are not worth other threads, which a forked child
  // has not: torch does not turn to them for so few either.
  const bool beside = context.device == DeviceKind::kCpu && context.executor != nullptr && span.numel >= kTrialSamples;
  const Executor& executor = beside ? *context.executor : serial_executor();
  executor.parallel_for(static_cast<int64_t>(forms.size()), 1, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      try {
        out[i] = cost(forms[i], *extent, context);
      } catch (...) {
        failures[i] = std::current_exception();
      }
    }
  });
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
  return out;
}

std::optional<Payload::Values> Payload::exact_values() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (const auto extent = raw_extent())
    return Values{raw_, {static_cast<const std::byte*>(extent->data), static_cast<size_t>(raw_values_bytes())}};
  for (const Part& part : parts_)
    if (part.values && part.codec == nullptr) return Values{coded_, bytes_of(part)};
  return std::nullopt;
}

std::shared_ptr<const Codec> Payload::values_codec() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return parts_.empty() || !parts_[0].values ? nullptr : parts_[0].codec;
}

}  // namespace cinch::hooks
