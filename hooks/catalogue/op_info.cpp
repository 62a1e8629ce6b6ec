#include "hooks/catalogue/op_info.h"

#include <array>
#include <cstring>

#include "hooks/catalogue/registry.h"

namespace cinch::hooks {
namespace {

// Direct-mapped, by the address of the schema's name. The name itself is compared too: a string that is no schema's may
// come to lie where another one was.
struct CacheLine {
  const char* name = nullptr;
  const OpInfo* info = nullptr;
  uint64_t generation = 0;
};

constexpr size_t kLines = 256;

CacheLine& line_of(const char* name) {
  thread_local std::array<CacheLine, kLines> cache;
  const auto address = reinterpret_cast<uintptr_t>(name);
  return cache[((address >> 4) ^ (address >> 12)) % kLines];
}

bool same_op(const OpInfo& info, const char* name, const at::RecordFunction& function) {
  if (std::strcmp(info.name.c_str(), name) != 0) return false;
  // Without slots of its own an overload is as unknown as any other of that name.
  return info.arguments.empty() || std::strcmp(info.overload.c_str(), function.overload_name()) == 0;
}

}  // namespace

const OpInfo& op_info(const at::RecordFunction& function) {
  const char* const name = function.name();
  CacheLine& line = line_of(name);
  const uint64_t now = registry::generation();
  if (line.name == name && line.generation == now && same_op(*line.info, name, function)) return *line.info;
  const OpInfo& info = registry::find(function);
  line = CacheLine{name, &info, now};
  return info;
}

const OpInfo& op_info(const std::string& name) { return registry::find(name); }

std::string slot_name(const OpInfo& op, int32_t slot) {
  if (slot >= 0 && static_cast<size_t>(slot) < op.slots.size()) return op.slots[slot].name;
  return slot < 0 ? "?" : std::to_string(slot);
}

}  // namespace cinch::hooks
