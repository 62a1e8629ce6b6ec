// Two tensors that one op saved and compares in its backward. Where the values of one of them are to go, the comparison
// is kept as a plane, and both slots unpack to stand-ins that compare the same way.
//
// Both slots of a backward must come from the same side, whatever other threads do in between: so a pair whose values
// were read once keeps them, and one that has its plane never gives values again.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/TensorImpl.h>

#include <array>
#include <memory>
#include <mutex>
#include <optional>

#include "hooks/catalogue/joint.h"
#include "hooks/sites.h"

namespace cinch::hooks {

class Payload;
class Store;

// Thread-safe. Locks: the store's mutex may be held when it is called, the payload's may not. Belongs to the wants of
// its payloads; the plane goes with the hooks of the two saves.
class JointPair {
 public:
  JointPair(std::shared_ptr<Store> store, const Predicate& predicate);
  ~JointPair();
  JointPair(const JointPair&) = delete;
  JointPair& operator=(const JointPair&) = delete;

  // A save begins: 0 or 1, its place in the pair; -1 where both are taken.
  int enter();
  // The save at `place` is kept in `payload`, or passed through as `alias`. The pair is complete with the second one,
  // for which the arguments of the call are needed. Never throws: what goes wrong keeps the values.
  struct Saved {
    std::shared_ptr<Payload> payload;
    at::Tensor alias;
    c10::VariableVersion version;
  };
  void add(int place, const at::Tensor& tensor, Saved saved, const OpInfo& op,
           c10::ArrayRef<const c10::IValue> inputs) noexcept;
  // The hook of a save ends.
  void leave() noexcept;

  enum class Wants { kValues, kPlane, kNothing };
  // What the pair needs of its payloads now: their values, that the plane be made before they go, or nothing.
  Wants wants() const;
  // Of the plane, made or not; 0 where there can be none.
  int64_t plane_bytes() const;
  // That making it would take now.
  int64_t missing_bytes() const;
  // Makes the plane if it is missing: the bytes that were made now. nullopt: it cannot be made any more.
  std::optional<int64_t> make_plane();
  // Enters the plane into the ledger, once.
  void charge();

  // The stand-in for the save at `place`; nullopt: its values are to be given, from now on always.
  std::optional<at::Tensor> unpack(int place);
  // Whether that fills a buffer.
  bool decodes() const;

  const std::shared_ptr<Store> store;

 private:
  enum class State : uint8_t { kOpen, kReady, kValues, kPlane, kGone };
  struct Half {
    JointShape shape;
    int64_t offset = 0;  // of its first element, from the payload's first byte or the alias' storage
    c10::VariableVersion version;
    std::weak_ptr<Payload> payload;
    at::Tensor alias;
  };
  // The values of a half while they are there.
  struct Source {
    at::Tensor keeper;
    const std::byte* first = nullptr;
  };
  static std::optional<Source> source_of(const Half& half, const Payload* payload);
  const Half& leader() const { return halves_[static_cast<size_t>(layout_.leader)]; }
  const Half& partner() const { return halves_[static_cast<size_t>(1 - layout_.leader)]; }
  int64_t bytes() const { return codec::joint_bytes(predicate_.kind, numel_); }
  void complete(const OpInfo& op, c10::ArrayRef<const c10::IValue> inputs);  // mutex held
  void end() noexcept;

  const Predicate predicate_;
  mutable std::mutex mutex_;
  State state_ = State::kOpen;
  int entered_ = 0, added_ = 0, left_ = 0;
  std::array<Half, 2> halves_;  // fixed once the pair is complete, but for the aliases
  JointLayout layout_;
  int64_t numel_ = 0;  // of the leader
  at::Tensor plane_;
  SiteId site_ = -1;  // that the plane is charged to
  bool charged_ = false;
};

}  // namespace cinch::hooks
