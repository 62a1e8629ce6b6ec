// What cinch knows of an operator's saves: from the built-in catalogue (needs.json, compiled in) or from declare_op.
#pragma once

#include <ATen/core/ivalue.h>
#include <ATen/record_function.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cinch/codec.h"
#include "cinch/need.h"

namespace cinch::hooks {

// Where an error in a slot ends up (the catalogue's `reaches`).
enum class Reach : uint8_t { kNone, kWeightGrad, kInputGrad, kBoth, kUpstream };

// One row of the catalogue.
struct NeedRow {
  std::string variant;          // "" : default
  Need need = Need::kExact;
  PredicateKind predicate = PredicateKind::kNone;
  bool nan_on = false;
  Reach reach = Reach::kNone;
  bool verified = false;
};

struct SlotInfo {
  std::string name;             // the field's name: "input", "result1"
  int argument = -1;            // index among the op's arguments; -1: an output, or a clone made by an in-place op
  std::vector<NeedRow> rows;    // one per variant
};

// Lives as long as the process; addresses are stable. `id` is dense from 0.
struct OpInfo {
  int32_t id = 0;
  std::string name;             // "aten::convolution"
  bool known = false;           // false: every save is exact
  std::vector<SlotInfo> slots;  // in generated order; empty for unknown ops
};

// Never fails; caches by the schema's name pointer, so that it costs little per call. Any thread.
const OpInfo& op_info(const at::RecordFunction& function);
// For OpScope names and for saves outside any op ("").
const OpInfo& op_info(const std::string& name);

// What this very save needs.
struct SlotNeed {
  int32_t slot = -1;            // index into OpInfo::slots; for unknown ops the running number of the save in its frame
  Need need = Need::kExact;
  Predicate predicate;          // with the bounds that this call's arguments gave
  Reach reach = Reach::kNone;
};

// Finds the slot of `saved` by comparing it with the call's arguments (then, for outputs and clones, by generated order and
// dtype), picks the variant from the real arguments (requires_grad of weights, train/eval, p, exponent, bool mask ...), and fills in
// predicate bounds. `taken` collects the slots already given in this frame (bit per slot) and is updated. Whatever does not fit
// is Need::kExact. `inputs` may be empty (OpScope). Under `requires_grad` questions the live tensors in `inputs` answer.
SlotNeed resolve_slot(const OpInfo& op, c10::ArrayRef<const c10::IValue> inputs, const at::Tensor& saved, uint64_t& taken);

// Name of a slot for people: the catalogue's, or the number.
std::string slot_name(const OpInfo& op, int32_t slot);

// For the index result of a max-pool: the geometry that makes in-window offsets possible.
std::optional<PoolGeometry> pool_geometry(const OpInfo& op, c10::ArrayRef<const c10::IValue> inputs, const at::Tensor& index);

// The torch versions on which the catalogue's test passed. On another one op_info answers known = false for all built-in ops.
bool catalogue_holds_for(const std::string& torch_version);

}  // namespace cinch::hooks
