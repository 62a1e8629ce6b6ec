// A kept tensor: raw (an alias of what autograd gave), coded, or offloaded. One payload serves every site that saved
// the same extent.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/TensorImpl.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "hooks/store/form.h"
#include "hooks/store/offload.h"
#include "src/backend/torch/device_memory.h"

namespace cinch::hooks {

class Store;
struct StorageEntry;

// Elements [begin, begin + numel) of a storage, in memory order.
struct Span {
  int64_t begin = 0, numel = 0;
  c10::ScalarType type = c10::kFloat;
  bool operator==(const Span&) const = default;
};

// A payload's record at the recorder that watched its first save.
struct RecordId {
  uint64_t recorder = 0;  // 0: none
  int32_t index = -1;
};

// A site's own look at the payload.
struct View {
  std::vector<int64_t> sizes, strides;
  int64_t offset = 0;  // of the first element, from the span's begin
};

// Locking: `mutex` guards raw, parts, coded and host. Wants are only appended while raw, under the store's mutex.
class Payload {
 public:
  Payload(std::shared_ptr<Store> store, std::shared_ptr<StorageEntry> entry, const Span& span,
          const at::Tensor& tensor);
  ~Payload();
  Payload(const Payload&) = delete;
  Payload& operator=(const Payload&) = delete;

  // The tensor for one want. Any thread, any number of times.
  at::Tensor unpack(const Want& want, const View& view);

  // Codes the raw values in `form`; false when a codec declined, nothing would be won, or memory did not suffice. The
  // raw alias stays until release_raw(), since several payloads may share its storage.
  bool encode(const Form& form, const CodecContext& context);
  // Codes the coded values again, coarser. False when that is not possible.
  bool recode(const std::shared_ptr<const Codec>& coarser, const CodecContext& context);
  // Gives up the raw alias of a coded payload; the caller drops it outside every lock.
  at::Tensor release_raw();
  // Undoes encode() while the raw alias is still there.
  void discard_coded();

  // Whether unpacking for this want fills a buffer of full size.
  bool decodes(const Want& want) const;
  bool is_raw() const { return raw_state_.load(std::memory_order_acquire); }
  int64_t coded_bytes() const { return coded_bytes_.load(std::memory_order_relaxed); }
  int64_t raw_values_bytes() const { return span.numel * static_cast<int64_t>(c10::elementSize(span.type)); }
  DType dtype() const { return dtype_; }
  // Statistics of the raw values, for now or for later (DeviceMemory::later_stats); nullopt when they are gone.
  std::optional<std::function<TensorStats()>> later_stats() const;
  // Bytes that `form` would need for these very values; nullopt: declined or raw values gone.
  std::optional<int64_t> measure(const Form& form, const CodecContext& context) const;
  // What `form` is expected to cost these very values. Where they are in host memory a part of them is coded for it.
  struct Cost {
    int64_t bytes = 0;                        // of sizes that depend on values a little more than expected
    std::optional<double> mean_square_error;  // of lossy values; nullopt: statistics have to tell
  };
  // Of each form, nullopt where measure() has it; the trials run beside each other.
  std::vector<std::optional<Cost>> costs(std::span<const Form> forms, const CodecContext& context) const;
  // The values of the span as they are, raw or copied, while they are kept so.
  struct Values {
    at::Tensor keeper;
    std::span<const std::byte> bytes;
  };
  std::optional<Values> exact_values() const;
  // Current codec of the values, or null.
  std::shared_ptr<const Codec> values_codec() const;

  const std::shared_ptr<Store> store;
  const std::shared_ptr<StorageEntry> entry;
  const Span span;
  const c10::VariableVersion version;
  const uint32_t saved_version;
  const c10::Stream saved_stream;  // on which the raw values were made, or will be
  std::vector<Want> wants;
  RecordId record;            // the recorder's
  double noise_variance = 0;  // what coding it is priced at, for the reclaimer's bound

 private:
  struct Part {
    std::shared_ptr<const Codec> codec;  // null: the raw values
    Predicate predicate;                 // of a mask part
    bool values = false;
    bool magnitude = false;  // the mask part's answer is the magnitude of the values, whose bytes it shares
    int64_t offset = 0, bytes = 0;
    std::optional<c10::weak_intrusive_ptr<c10::StorageImpl>> decoded;
    c10::Stream decoded_stream;
  };
  const Part* part_for(const Want& want) const;
  std::span<const std::byte> bytes_of(const Part& part) const;  // mutex held
  // Moves parts that do not fill their room of `room` bytes to one that they fill; the bytes they take then. Stays
  // where that would win little or memory does not suffice.
  int64_t pack_closely(std::vector<Part>& parts, int64_t room, at::Tensor& coded) const;
  std::optional<Cost> cost(const Form& form, const Extent& extent, const CodecContext& context) const;
  std::optional<int64_t> measure(const Form& form, const Extent& extent, const CodecContext& context) const;
  std::optional<Extent> raw_extent() const;  // mutex held; nullopt: gone, or the storage has shrunk
  at::Tensor alias(const at::Tensor& base, int64_t base_offset, const View& view) const;
  at::Tensor decode(const Want& want, const View& view);
  const backend::DeviceMemory& memory() const;
  // What follows on the current stream may read `tensor`, which another stream may have made.
  void use(const at::Tensor& tensor, const c10::Stream& made_on) const;

  mutable std::mutex mutex_;
  DType dtype_;
  at::Tensor raw_;
  at::Tensor coded_;
  c10::Stream coded_stream_;
  std::vector<Part> parts_;
  std::shared_ptr<HostCopy> host_;  // the values, when they were offloaded
  std::atomic<bool> raw_state_{true};
  std::atomic<int64_t> coded_bytes_{0};
};

}  // namespace cinch::hooks
