#include "hooks/catalogue/registry.h"

#include <ATen/core/function_schema.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "hooks/catalogue/needs_table.h"

namespace cinch::hooks::registry {
namespace {

struct State {
  std::mutex mutex;
  std::deque<OpInfo> infos;                                // stable addresses
  std::deque<std::vector<NeedRow>> declared_rows;          // what declared slots point into
  std::unordered_map<std::string, const OpInfo*> schemas;  // key: name, '.', overload
  std::unordered_map<std::string, const OpInfo*> names;    // unknown and declared ops
  int32_t next_id = 0;
  std::atomic<uint64_t> generation{1};
};

State& state() {
  static State* const s = new State;  // saves may come until the very end of the process
  return *s;
}

int find_argument(const c10::FunctionSchema& schema, const char* name) {
  const auto& arguments = schema.arguments();
  for (size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i].name() == name) return static_cast<int>(i);
  return -1;
}

bool is_list(const c10::FunctionSchema& schema, int argument) {
  return argument >= 0 && schema.arguments()[argument].type()->kind() == c10::TypeKind::ListType;
}

bool writes_self(const c10::FunctionSchema& schema, int self) {
  return self >= 0 && schema.arguments()[self].alias_info() != nullptr &&
         schema.arguments()[self].alias_info()->isWrite();
}

// A bound or a condition that names an argument which this schema lacks would silently never hold.
bool names_exist(const c10::FunctionSchema& schema, const NeedRow& row) {
  for (const Bound* bound : {&row.lo, &row.hi})
    if (bound->argument != nullptr && find_argument(schema, bound->argument) < 0) return false;
  return std::ranges::all_of(
      row.when, [&](const Condition& c) { return c.name == nullptr || find_argument(schema, c.name) >= 0; });
}

// An in-place op's `result` is its argument `self`; its saved `self` is a clone made before the kernel ran.
void fill(OpInfo& info, const c10::FunctionSchema& schema, const OpData& data) {
  const int self = find_argument(schema, "self");
  const bool in_place = writes_self(schema, self);
  for (const SlotData& from : data.slots) {
    SlotInfo slot;
    slot.name = from.name;
    slot.argument = find_argument(schema, from.argument);
    if (in_place && slot.name == "result") {
      slot.argument = self;
    } else if (in_place && slot.argument == self) {
      slot.argument = -1;
    }
    slot.list = is_list(schema, slot.argument);
    if (std::ranges::all_of(from.rows, [&](const NeedRow& row) { return names_exist(schema, row); }))
      slot.rows = from.rows;
    info.slots.push_back(std::move(slot));
  }
  for (const auto& argument : schema.arguments()) info.arguments.push_back(argument.name());
  info.known = true;
}

OpInfo& add(State& s, const std::string& name, const std::string& overload) {
  OpInfo& info = s.infos.emplace_back();
  info.id = s.next_id++;
  info.name = name;
  info.overload = overload;
  for (const char* part : {"conv", "batch_norm", "instance_norm", "group_norm", "_pool1d", "_pool2d", "_pool3d"})
    info.channels_first |= name.find(part) != std::string::npos;
  info.attends = name.find("attention") != std::string::npos;
  return info;
}

const OpInfo& find_name(State& s, const std::string& name) {
  const OpInfo*& entry = s.names[name];
  if (entry == nullptr) entry = &add(s, name, "");
  return *entry;
}

}  // namespace

uint64_t generation() noexcept { return state().generation.load(std::memory_order_acquire); }

const OpInfo& find(const std::string& name) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  return find_name(s, name);
}

const OpInfo& find(const at::RecordFunction& function) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  const std::string name = function.name();
  const bool read = running_torch().version >= 0;
  const OpData* const data = read ? find_op_data(name, function.overload_name()) : nullptr;
  if (data == nullptr) return find_name(s, name);
  const auto schema = function.operator_schema();
  if (!schema) return find_name(s, name);  // a user's RECORD_FUNCTION with an operator's name
  const OpInfo*& entry = s.schemas[name + '.' + data->overload];
  if (entry == nullptr) {
    OpInfo& info = add(s, name, data->overload);
    fill(info, *schema, *data);
    entry = &info;
  }
  return *entry;
}

void declare(const std::string& name, std::vector<NeedRow> rows) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  const std::vector<NeedRow>& kept = s.declared_rows.emplace_back(std::move(rows));
  OpInfo& info = s.infos.emplace_back(find_name(s, name));  // with the id of its name
  info.known = true;
  info.slots.clear();
  for (size_t i = 0; i < kept.size(); ++i)
    info.slots.push_back(SlotInfo{std::to_string(i), -1, false, std::span<const NeedRow>(&kept[i], 1)});
  s.names[name] = &info;
  s.generation.fetch_add(1, std::memory_order_release);
}

}  // namespace cinch::hooks::registry
