#include "hooks/saved_hook.h"

#include <ATen/SavedTensorHooks.h>
#include <c10/core/GradMode.h>

#include "hooks/catalogue/variants.h"
#include "hooks/session.h"
#include "hooks/trace.h"

namespace cinch::hooks {
namespace {

// Storages below this are kept as they are: their bytes do not pay for a payload of their own.
constexpr size_t kSmallBytes = 4096;

// Plain data that coding could make smaller.
bool packable(const at::Tensor& tensor) {
  const c10::TensorImpl* impl = tensor.unsafeGetTensorImpl();
  if (impl->layout() != c10::kStrided || impl->is_python_dispatch() || tensor.is_nested()) return false;
  if (!tensor.has_storage()) return false;
  const c10::StorageImpl* storage = tensor.storage().unsafeGetStorageImpl();
  if (storage->nbytes() < kSmallBytes || storage->data() == nullptr) return false;
  if (tensor.is_quantized() || tensor.is_conj() || tensor.is_neg() || tensor.is_inference() || tensor.is_complex())
    return false;
  return tensor.numel() > 0 && tensor.storage().nbytes() % tensor.itemsize() == 0;
}

// Small, since most saves of a network are passed through; what a payload takes is on the heap.
class SavedHook final : public torch::autograd::SavedVariableHooks {
 public:
  explicit SavedHook(std::shared_ptr<Session> session) : session_(std::move(session)) {}

  void call_pack_hook(const at::Tensor& tensor) override {
    const std::shared_ptr<Session> innermost = std::move(session_);
    // Pack never throws: an in-place op has already changed the tensor, and its node would be left without its save.
    bool identified = false;
    try {
      version_ = torch::autograd::impl::version_counter(tensor);
      if (tensor.is_inference()) versioned_ = false;
      saved_version_ = versioned_ ? version_.current_version() : 0;
      const auto session = packable(tensor) ? session_of(innermost, tensor.device()) : nullptr;
      if (session && !is_trained_leaf(tensor) && !session->layers.is_parameter(tensor) &&
          !session->store->memory().capturing()) {
        auto packed = std::make_unique<Packed>();
        identified = true;
        packed->want = identify(*session, tensor);
        session->note_site(packed->want.site);
        packed->kept = session->store->save(tensor, packed->want);
        packed_ = std::move(packed);
        return;
      }
    } catch (const std::exception& error) {
      innermost->store->fall_back(error.what());
    }
    if (!identified) note_passed(tensor);  // a slot is taken once
    pass_through(tensor);
  }

  at::Tensor call_unpack_hook() override {
    const c10::AutoGradMode no_grad(false);
    check_version();
    if (!packed_) return alias_;
    const Store::Kept& kept = packed_->kept;
    at::Tensor tensor = kept.payload->store->unpack(kept, packed_->want);
    TORCH_INTERNAL_ASSERT(tensor.sizes() == kept.view.sizes && tensor.strides() == kept.view.strides &&
                          tensor.scalar_type() == kept.payload->span.type);
    return tensor;
  }

 private:
  struct Packed {
    Want want;
    Store::Kept kept;
  };

  // Outputs are told apart by their order: one that is passed through must not leave its slot to the next.
  static void note_passed(const at::Tensor& tensor) noexcept {
    try {
      if (Frame* frame = current_frame(); frame && frame->op->slots.size() > 1)
        resolve_slot(*frame->op, inputs_of(*frame), tensor, frame->taken);
    } catch (...) {
      // Nothing depends on it but later slots, and what does not fit is exact.
    }
  }

  void pass_through(const at::Tensor& tensor) {
    // Never the live tensor: an output would then keep its own graph alive.
    try {
      const bool wrapped = tensor.unsafeGetTensorImpl()->is_python_dispatch() || tensor.is_nested();
      alias_ = wrapped ? tensor.detach() : tensor.tensor_data();
    } catch (const std::exception&) {
      alias_ = tensor.detach();  // wrappers that refuse a shallow copy
    }
    // Writes in the backward are then seen by the version check, as in stock autograd.
    if (versioned_) alias_.unsafeGetTensorImpl()->set_version_counter(version_);
  }

  // Autograd's own check is off where hooks are; a program's meaning must not depend on how its tensors are kept.
  void check_version() const {
    if (!versioned_) return;
    const uint32_t now = version_.current_version();
    if (now == saved_version_) return;
    std::ostringstream what;
    if (packed_)
      what << c10::toString(packed_->kept.payload->span.type) << "Tensor " << c10::IntArrayRef(packed_->kept.view.sizes)
           << ", saved by " << packed_->kept.payload->store->site_name(packed_->want.site);
    else
      what << c10::toString(alias_.scalar_type()) << "Tensor " << alias_.sizes();
    TORCH_CHECK(
        false, "one of the variables needed for gradient computation has been modified by an inplace operation: [",
        what.str(), "], is at version ", now, "; expected version ", saved_version_,
        " instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True).");
  }

  std::shared_ptr<Session> session_;  // until packed
  std::unique_ptr<Packed> packed_;    // null: passed through
  at::Tensor alias_;
  c10::VariableVersion version_;
  uint32_t saved_version_ = 0;
  bool versioned_ = true;
};

}  // namespace

std::unique_ptr<torch::autograd::SavedVariableHooks> make_saved_hook() {
  auto session = current_session();
  if (session == nullptr || at::SavedTensorDefaultHooks::get_tls_state().is_tracing) return nullptr;
  return std::make_unique<SavedHook>(std::move(session));
}

}  // namespace cinch::hooks
