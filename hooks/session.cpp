#include "hooks/session.h"

#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>

#include "cinch/error.h"
#include "hooks/store/joint_pair.h"
#include "hooks/trace.h"

namespace cinch::hooks {
namespace {

constexpr std::string_view kOwnName = "cinch";

// A slot of ThreadLocalDebugInfo, with the name that messages give it.
template <typename Kind>
struct Slot {
  Kind kind;
  std::string_view name;
};

// LibTorch 2.15 makes slots for whoever asks. Before, the one that is taken is meant for tests and unused by torch
// itself.
template <typename Kind>
constexpr Slot<Kind> slot_of() {
  if constexpr (std::is_enum_v<Kind>)
    return {Kind::TEST_INFO_2, "TEST_INFO_2"};
  else
    return {Kind(&kOwnName), kOwnName};
}
constexpr auto kSlot = slot_of<c10::DebugInfoKind>();

// The layer of the last op that used a parameter, on this thread, within this iteration.
struct LastLayer {
  uint64_t session = 0;
  uint64_t iteration = 0;
  int32_t layer = -1;
};
thread_local LastLayer last_layer;

int32_t layer_now(Session& session, Frame* frame) {
  const uint64_t iteration = session.iteration.load(std::memory_order_relaxed);
  if (last_layer.session != session.serial || last_layer.iteration != iteration || last_layer.layer < 0)
    last_layer = {session.serial, iteration, session.sites->intern_layer("")};
  if (frame)
    if (const std::string* layer = session.layers.layer_of(inputs_of(*frame)))
      last_layer.layer = session.sites->intern_layer(*layer);
  const std::string& scoped = scoped_layer();
  return scoped.empty() ? last_layer.layer : session.sites->intern_layer(scoped);
}

// A joint need is met by a pair of this very call, on the CPU; what finds no place in one keeps its values.
void join(Session& session, Frame& frame, Want& want) {
  if (want.need != Need::kMask || !is_joint(want.predicate.kind)) return;
  if (!frame.pair) frame.pair = std::make_shared<JointPair>(session.store, want.predicate);
  const bool ours = frame.pair->store == session.store && session.store->memory().kind() == DeviceKind::kCpu;
  want.place = ours ? frame.pair->enter() : -1;
  if (want.place >= 0) {
    want.pair = frame.pair;
  } else {
    want.need = Need::kExact;
    want.predicate = {};
  }
}

}  // namespace

void switch_on(const std::shared_ptr<Session>& session) {
  auto* present = c10::ThreadLocalDebugInfo::get(kSlot.kind);
  if (present != nullptr && dynamic_cast<SessionInfo*>(present) == nullptr)
    throw Error("BudgetGuard: another library uses the thread-local slot " + std::string(kSlot.name) +
                "; cinch cannot tell its threads");
  session->outer = current_session();
  c10::ThreadLocalDebugInfo::_push(kSlot.kind, std::make_shared<SessionInfo>(session));
}

void switch_off(const std::shared_ptr<Session>& session) noexcept {
  session->active.store(false);
  if (!thread_is_alive()) return;
  try {
    // Those that ended while others lay on top of them go with these: nothing else would ever let go of them.
    while (auto* present = dynamic_cast<SessionInfo*>(c10::ThreadLocalDebugInfo::get(kSlot.kind))) {
      if (present->session->active.load()) break;
      c10::ThreadLocalDebugInfo::_pop(kSlot.kind);
    }
  } catch (...) {
    // Something else lies on top: the switch stays, and `active` says no.
  }
}

std::shared_ptr<Session> current_session() {
  auto* info = c10::ThreadLocalDebugInfo::get(kSlot.kind);
  if (info == nullptr) return nullptr;
  if (typeid(*info) != typeid(SessionInfo)) return nullptr;  // each save comes here: cheaper than dynamic_cast
  // A guard that ended on another thread, or before one that was made after it, has left its switch here.
  const std::shared_ptr<Session>* session = &static_cast<SessionInfo*>(info)->session;
  while (*session != nullptr && !(*session)->active.load(std::memory_order_acquire)) session = &(*session)->outer;
  return *session;
}

std::shared_ptr<Session> session_of(const std::shared_ptr<Session>& session, c10::Device device) {
  const std::shared_ptr<Session>* found = &session;
  while (*found != nullptr &&
         (!(*found)->active.load(std::memory_order_acquire) || (*found)->store->memory().device() != device))
    found = &(*found)->outer;
  return *found;
}

Want identify(Session& session, const at::Tensor& tensor) {
  Frame* frame = current_frame();
  Frame alone;  // a save outside every op, for instance of a custom Function without OpScope
  alone.op = &op_info(std::string());
  Frame& f = frame ? *frame : alone;
  const OpInfo& op = *f.op;
  const auto inputs = frame ? inputs_of(f) : c10::ArrayRef<const c10::IValue>();
  const Frame* parent = parent_frame();
  const SlotNeed slot = resolve_slot(op, inputs, tensor, f.taken, parent ? parent->op : nullptr);
  if (f.layer < 0 || f.session != session.serial) {
    f.session = session.serial;
    f.layer = layer_now(session, frame);
    f.occurrence = session.sites->next_occurrence(f.layer, op);
  }
  Want want;
  want.site = session.sites->intern(f.layer, op, f.occurrence, op.known ? slot.slot : f.saves);
  ++f.saves;
  want.need = slot.need;
  want.predicate = slot.predicate;
  want.reach = slot.reach;
  want.known_op = op.known;
  want.op_class = op_class(op.name);
  want.nonnegative = slot.row != nullptr && slot.row->nonnegative;
  if (want.need == Need::kInteger && frame) want.pool = pool_geometry(op, inputs, tensor);
  if (is_value(want.need)) want.grid = grid_of(op, tensor);
  join(session, f, want);
  return want;
}

// Outputs are told apart by their order: one that is passed through must not leave its slot to the next.
Want identify_passed(Session& session, const at::Tensor& tensor) {
  Want want;
  Frame* frame = current_frame();
  if (frame == nullptr || frame->op->slots.size() < 2) return want;
  const SlotNeed slot = resolve_slot(*frame->op, inputs_of(*frame), tensor, frame->taken);
  want.need = slot.need;
  want.predicate = slot.predicate;
  if (tensor.device() == session.store->memory().device()) join(session, *frame, want);
  return want;
}

}  // namespace cinch::hooks
