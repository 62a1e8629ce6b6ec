// What cinch knows of an operator's saves: from the built-in catalogue (needs.json, compiled in) or from declare_op.
#pragma once

#include <ATen/core/ivalue.h>
#include <ATen/record_function.h>
#include <c10/core/DeviceType.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cinch/codec.h"
#include "cinch/need.h"

namespace cinch::hooks {

// Where an error in a slot ends up (the catalogue's `reaches`).
enum class Reach : uint8_t { kNone, kWeightGrad, kInputGrad, kBoth, kUpstream };

// A bound of a predicate: a number, or the value of one of the op's arguments.
struct Bound {
  const char* argument = nullptr;
  double value = 0.0;
};

enum class ConditionKind : uint8_t {
  kNone,
  kNumber,  // argument `name` is the number (or bool) `number`
  kText,    // argument `name` is the string `text`
  kAbsent,  // argument `name` is None or an undefined tensor
  kNoGrad,  // argument `name` needs no gradient, or is absent
  kDtype,   // the saved tensor is of dtype class `text`: "bool", "integral", "floating"
  kDevice,  // the saved tensor lives on `text`: "cpu", "cuda"
  kInside,  // the enclosing op's name contains `text`
};

// Part of a variant: what must hold of this call.
struct Condition {
  ConditionKind kind = ConditionKind::kNone;
  const char* name = nullptr;
  double number = 0.0;
  const char* text = nullptr;
};

// The devices on which a row's test has passed; elsewhere the row is read from source.
struct VerifiedOn {
  bool cpu = false;
  bool cuda = false;

  constexpr bool device(c10::DeviceType type) const { return type == c10::kCPU ? cpu : (type == c10::kCUDA && cuda); }
};

// What the catalogue is worth with one version of torch.
struct CatalogueTrust {
  int version = -1;         // whose rows are read, as an index into catalogue_versions(); -1: none, all is exact
  VerifiedOn devices = {};  // where they have been run; elsewhere no row is trusted
};

// One row of the catalogue. Rows of a slot are tried in order.
struct NeedRow {
  const char* variant = "";  // for people; "" : default
  Need need = Need::kExact;
  PredicateKind predicate = PredicateKind::kNone;
  Bound lo = {};
  Bound hi = {};
  bool nan_on = false;
  bool round_to_element = false;  // half types: bounds are compared in the tensor's own dtype; else in float32
  Reach reach = Reach::kNone;
  VerifiedOn verified = {};
  bool joint = false;        // compares this slot with others; kept exact where there is no predicate for that
  bool first_order = false;  // wrong under create_graph
  bool nonnegative = false;  // the op gives no value below zero
  uint32_t torch = ~0U;      // bit i: the row is about version i of catalogue_versions()
  Condition when[4] = {};    // all must hold; ends at kNone

  constexpr bool is_for(const CatalogueTrust& trust) const {
    return trust.version < 0 || ((torch >> static_cast<unsigned>(trust.version)) & 1U) != 0;
  }
  constexpr bool is_verified(const CatalogueTrust& trust, c10::DeviceType device) const {
    return verified.device(device) && trust.devices.device(device);
  }
};

struct SlotInfo {
  std::string name;   // the field's name: "input", "result1"
  int argument = -1;  // index among the op's arguments; -1: an output, or a clone made by an in-place op
  bool list = false;  // a tensor list: one save for each tensor
  std::span<const NeedRow> rows;
};

// Lives as long as the process; addresses are stable. `id` is dense from 0; a declare_op keeps the id of its name.
struct OpInfo {
  int32_t id = 0;
  std::string name;                    // "aten::convolution"
  std::string overload;                // "dim" of "aten::max.dim"; each overload has an OpInfo of its own
  bool known = false;                  // false: every save is exact
  bool channels_first = false;         // of three sizes the second one is channels, as for a 1-D convolution
  bool attends = false;                // four sizes are heads of tokens, not channels of images
  std::vector<SlotInfo> slots;         // in generated order; empty for unknown ops
  std::vector<std::string> arguments;  // names; empty for declared and unknown ops
};

// Never fails; caches by the schema's name pointer, so that it costs little per call. Any thread.
const OpInfo& op_info(const at::RecordFunction& function);
// For OpScope names and for saves outside any op (""). Finds declared ops only: catalogue rows need a call's arguments.
const OpInfo& op_info(const std::string& name);

// What this very save needs.
struct SlotNeed {
  int32_t slot = -1;  // index into OpInfo::slots (-1: none fits); for unknown ops the running number of the save
  Need need = Need::kExact;
  Predicate predicate;  // with the bounds that this call's arguments gave
  Reach reach = Reach::kNone;
  const NeedRow* row = nullptr;  // the row that decided, also where it was not trusted and `need` is kExact
};

// Which rows may decide. The catalogue's own bench tries those that nobody has verified yet.
enum class Trust : uint8_t { kVerified, kEveryRow };

// Finds the slot of `saved` by comparing it with the call's arguments (then, for outputs and clones, by generated order
// and dtype), picks the variant from the real arguments (requires_grad of weights, train/eval, p, exponent, bool mask
// ...), and fills in predicate bounds. `taken` is the frame's memory: 0 at its start, updated here. Call it for every
// save of the frame in order, also for tensors that are passed through: outputs are told apart by their order alone.
// Whatever does not fit is Need::kExact, and so are rows that are not verified on the tensor's device or hold only
// without create_graph. A joint predicate holds where both tensors of the call meet it (joint.h). `inputs` may be empty
// (OpScope). `parent` is the op of the enclosing frame, if any.
SlotNeed resolve_slot(const OpInfo& op, c10::ArrayRef<const c10::IValue> inputs, const at::Tensor& saved,
                      uint64_t& taken, const OpInfo* parent = nullptr, Trust trust = Trust::kVerified);

// Name of a slot for people: the catalogue's, or the number.
std::string slot_name(const OpInfo& op, int32_t slot);

// For the index result of a max-pool: the geometry that makes in-window offsets possible.
std::optional<PoolGeometry> pool_geometry(const OpInfo& op, c10::ArrayRef<const c10::IValue> inputs,
                                          const at::Tensor& index);

// How the memory order of a tensor saved by `op` is laid out, for codecs that look at neighbours or at channels: images
// of two and three dimensions, channels first or last, and sequences of tokens. What it cannot tell (a transposed view,
// a vector) has none.
std::optional<Grid> grid_of(const OpInfo& op, const at::Tensor& tensor);

// The torch versions with which the catalogue's test passed, oldest first, each with the devices on which it did.
struct TorchVersion {
  const char* name;
  VerifiedOn devices;
};
std::span<const TorchVersion> catalogue_versions();

// With a version that is not among them no row is read, unless the environment's CINCH_TRUST_TORCH is this very version
// ("2.12.1", without the suffix of the build): then those of the newest version before it, on every device.
CatalogueTrust catalogue_trust(const std::string& torch_version);
// Of the torch that was built with and is loaded, which must be one: asked once, at the first op.
const CatalogueTrust& running_torch();

}  // namespace cinch::hooks
