#include "hooks/store/joint_pair.h"

#include <algorithm>
#include <utility>

#include "hooks/store/store.h"
#include "hooks/store/tensor_over.h"
#include "src/backend/torch/dtype.h"

namespace cinch::hooks {
namespace {

// Elements from the first to behind the last one.
int64_t reach_of(const JointShape& shape) {
  int64_t reach = 1;
  for (size_t d = 0; d < shape.sizes.size(); ++d) {
    if (shape.sizes[d] == 0) return 0;
    reach += (shape.sizes[d] - 1) * shape.strides[d];
  }
  return reach;
}

int64_t element_bytes(const JointShape& shape) { return static_cast<int64_t>(c10::elementSize(shape.type)); }

bool is_plain(const at::Tensor& tensor) {
  return tensor.layout() == c10::kStrided && tensor.is_cpu() && tensor.has_storage() && !tensor.is_nested() &&
         !tensor.unsafeGetTensorImpl()->is_python_dispatch() && !tensor.is_neg();
}

}  // namespace

JointPair::JointPair(std::shared_ptr<Store> s, const Predicate& predicate)
    : store(std::move(s)), predicate_(predicate) {}

JointPair::~JointPair() { end(); }

int JointPair::enter() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return entered_ < 2 ? entered_++ : -1;
}

void JointPair::add(int place, const at::Tensor& tensor, Saved saved, const OpInfo& op,
                    c10::ArrayRef<const c10::IValue> inputs) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  try {
    if (state_ != State::kOpen) return;
    state_ = State::kValues;  // unless nothing below objects
    if (!is_plain(tensor)) return;
    Half& half = halves_[static_cast<size_t>(place)];
    half.shape = joint_shape(tensor);
    // A sign can be taken either way; a result is compared with what it came from, which is saved first.
    half.shape.may_lead = saved.payload && (predicate_.kind == PredicateKind::kJointSign || place == 0);
    half.offset = tensor.storage_offset() - (saved.payload ? saved.payload->span.begin : 0);
    half.version = saved.version;
    half.payload = saved.payload;
    half.alias = std::move(saved.alias);
    state_ = State::kOpen;
    if (++added_ == 2) complete(op, inputs);
  } catch (const std::exception& error) {
    state_ = State::kValues;
    store->fall_back(error.what());
  }
}

void JointPair::complete(const OpInfo& op, c10::ArrayRef<const c10::IValue> inputs) {
  state_ = State::kValues;
  auto layout = joint_layout(op, inputs, {&halves_[0].shape, &halves_[1].shape});
  if (!layout) return;
  layout_ = std::move(*layout);
  numel_ = c10::multiply_integers(leader().shape.sizes);
  // A large stand-in for what is passed through would be memory that no plan has counted.
  const JointShape& other = partner().shape;
  if (partner().alias.defined() && reach_of(other) * element_bytes(other) > bytes()) return;
  if (numel_ > 0) state_ = State::kReady;
}

void JointPair::leave() noexcept {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (++left_ < 2) return;
  }
  end();
}

void JointPair::end() noexcept {
  at::Tensor plane;
  std::array<at::Tensor, 2> aliases;  // dropped after the lock: a deleter may run any code
  const std::lock_guard<std::mutex> lock(mutex_);
  state_ = State::kGone;
  plane = std::move(plane_);
  for (size_t i = 0; i < aliases.size(); ++i) aliases[i] = std::move(halves_[i].alias);
  if (std::exchange(charged_, false)) store->charged_ledger().release(site_, align_part(bytes()));
}

JointPair::Wants JointPair::wants() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (state_ == State::kGone) return Wants::kNothing;
  return state_ == State::kReady || state_ == State::kPlane ? Wants::kPlane : Wants::kValues;
}

int64_t JointPair::plane_bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return state_ == State::kReady || state_ == State::kPlane ? align_part(bytes()) : 0;
}

int64_t JointPair::missing_bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return state_ == State::kReady ? align_part(bytes()) : 0;
}

std::optional<JointPair::Source> JointPair::source_of(const Half& half, const Payload* payload) {
  const int64_t element = element_bytes(half.shape);
  const int64_t begin = half.offset * element, end = begin + reach_of(half.shape) * element;
  if (payload != nullptr) {
    auto values = payload->exact_values();
    if (!values || static_cast<int64_t>(values->bytes.size()) < end) return std::nullopt;
    return Source{std::move(values->keeper), values->bytes.data() + begin};
  }
  // Someone may have made the storage smaller meanwhile, which no version counter tells.
  if (!half.alias.defined() || static_cast<int64_t>(half.alias.storage().nbytes()) < end) return std::nullopt;
  return Source{half.alias, static_cast<const std::byte*>(half.alias.storage().data()) + begin};
}

std::optional<int64_t> JointPair::make_plane() {
  std::array<std::shared_ptr<Payload>, 2> payloads;  // a last reference must not go under the lock: see Store::save
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (state_ == State::kPlane) return 0;
    if (state_ != State::kReady) return std::nullopt;
    for (size_t i = 0; i < payloads.size(); ++i) payloads[i] = halves_[i].payload.lock();
  }
  at::Tensor plane;
  try {
    const backend::ReserveScope reserve;
    plane = store->memory().empty(align_part(bytes()), c10::kByte);
  } catch (const c10::OutOfMemoryError&) {
    return std::nullopt;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (state_ == State::kPlane) return 0;  // another thread came first
  if (state_ != State::kReady) return std::nullopt;
  const auto lead = static_cast<size_t>(layout_.leader);
  const auto first = source_of(leader(), payloads[lead].get());
  const auto other = source_of(partner(), payloads[1 - lead].get());
  if (!first || !other) return std::nullopt;
  CodecContext context;
  store->memory().describe(context);
  codec::encode_joint(predicate_, {first->first, numel_, backend::to_dtype(leader().shape.type)},
                      {other->first, layout_.axes},
                      {static_cast<std::byte*>(plane.mutable_data_ptr()), static_cast<size_t>(bytes())}, context);
  plane_ = std::move(plane);
  site_ = payloads[lead]->entry->first_site;
  state_ = State::kPlane;
  return align_part(bytes());
}

void JointPair::charge() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (state_ != State::kPlane || charged_) return;
  store->charged_ledger().charge(site_, align_part(bytes()));
  charged_ = true;
}

std::optional<at::Tensor> JointPair::unpack(int place) {
  at::Tensor plane;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (state_ == State::kReady || state_ == State::kOpen) state_ = State::kValues;
    if (state_ != State::kPlane) return std::nullopt;
    plane = plane_;
  }
  const bool leads = place == layout_.leader;
  const Half& half = leads ? leader() : partner();
  const JointShape& shape = half.shape;
  const int64_t elements = leads ? numel_ : reach_of(shape);
  const at::Tensor buffer = store->memory().empty(elements, shape.type);
  const DType dtype = backend::to_dtype(shape.type);
  if (leads) {
    CodecContext context;
    store->memory().describe(context);
    codec::decode_joint({static_cast<const std::byte*>(plane.const_data_ptr()), static_cast<size_t>(bytes())},
                        predicate_.kind, buffer.mutable_data_ptr(), numel_, dtype, context);
  } else {
    codec::fill_partner(predicate_.kind, buffer.mutable_data_ptr(), elements, dtype);
  }
  return tensor_over(buffer.storage(), shape.type, shape.sizes, shape.strides, 0, half.version);
}

bool JointPair::decodes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return state_ == State::kPlane;
}

}  // namespace cinch::hooks
