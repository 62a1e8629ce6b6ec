#include "hooks/saved_hook.h"

#include <ATen/SavedTensorHooks.h>
#include <c10/core/GradMode.h>

#include "hooks/catalogue/variants.h"
#include "hooks/replay/stand_in.h"
#include "hooks/session.h"
#include "hooks/store/joint_pair.h"
#include "hooks/store/tensor_over.h"
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

// This save's place in a pair, left when the hook ends.
class JointSeat {
 public:
  explicit JointSeat(const Want& want) : pair_(want.pair), place_(want.place) {}
  ~JointSeat() { pair_->leave(); }
  JointSeat(const JointSeat&) = delete;
  JointSeat& operator=(const JointSeat&) = delete;

  void add(const at::Tensor& tensor, JointPair::Saved saved) noexcept {
    const Frame* const frame = current_frame();
    if (frame) pair_->add(place_, tensor, std::move(saved), *frame->op, inputs_of(*frame));
  }
  std::optional<at::Tensor> unpack() { return pair_->unpack(place_); }

 private:
  const std::shared_ptr<JointPair> pair_;
  const int place_;
};

// Small, since most saves of a network are passed through; what a payload takes is on the heap.
class SavedHook final : public torch::autograd::SavedVariableHooks {
 public:
  explicit SavedHook(std::shared_ptr<Session> session) : session_(std::move(session)) {}

  void call_pack_hook(const at::Tensor& tensor) override {
    const std::shared_ptr<Session> innermost = std::move(session_);
    const std::shared_ptr<Session> session = session_of(innermost, tensor.device());
    // Pack never throws: an in-place op has already changed the tensor, and its node would be left without its save.
    bool identified = false;
    try {
      version_ = torch::autograd::impl::version_counter(tensor);
      if (tensor.is_inference()) versioned_ = false;
      saved_version_ = versioned_ ? version_.current_version() : 0;
      if (session && packable(tensor) && !is_trained_leaf(tensor) && !session->layers.is_parameter(tensor) &&
          !session->store->memory().capturing()) {
        auto packed = std::make_unique<Packed>();
        identified = true;
        packed->want = identify(*session, tensor);
        if (packed->want.pair) seat_ = std::make_unique<JointSeat>(packed->want);
        session->note_site(packed->want.site);
        packed->kept = session->store->save(tensor, packed->want);
        if (session->replay->armed()) session->replay->saved(packed->want, packed->kept.payload);
        packed_ = std::move(packed);
        if (seat_) seat_->add(tensor, {packed_->kept.payload, {}, version_});
        return;
      }
    } catch (const std::exception& error) {
      innermost->store->fall_back(error.what());
    }
    if (!identified) note_passed(session ? *session : *innermost, tensor);  // a slot is taken once
    pass_through(tensor);
    if (seat_) seat_->add(tensor, {nullptr, alias_, version_});
  }

  at::Tensor call_unpack_hook() override {
    const c10::AutoGradMode no_grad(false);
    check_version();
    if (!packed_) {
      auto stand_in = seat_ ? seat_->unpack() : std::nullopt;
      return stand_in ? std::move(*stand_in) : alias_;
    }
    const Store::Kept& kept = packed_->kept;
    if (is_value(packed_->want.need))
      if (auto values = StandIn::of(*kept.payload))
        return tensor_over(std::move(*values), kept.payload->span.type, kept.view.sizes, kept.view.strides,
                           kept.view.offset, kept.payload->version);
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

  void note_passed(Session& session, const at::Tensor& tensor) noexcept {
    try {
      const Want want = identify_passed(session, tensor);
      if (want.pair) seat_ = std::make_unique<JointSeat>(want);
    } catch (...) {
      // Nothing depends on it but later slots and a pair, and what does not fit is exact.
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
  std::unique_ptr<JointSeat> seat_;   // null: in no pair
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
