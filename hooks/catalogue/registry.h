// Every OpInfo of the process: made once, never freed, so that frames and sites may keep pointers.
#pragma once

#include <ATen/record_function.h>

#include <cstdint>
#include <string>
#include <vector>

#include "hooks/catalogue/op_info.h"

namespace cinch::hooks::registry {

// Grows whenever a declaration may have changed an answer; caches compare it.
uint64_t generation() noexcept;

// The op of a schema (name, overload) or of a bare name. Takes a lock.
const OpInfo& find(const at::RecordFunction& function);
const OpInfo& find(const std::string& name);

// A new answer for `name`, under the id that the name already has.
void declare(const std::string& name, std::vector<NeedRow> rows);

}  // namespace cinch::hooks::registry
