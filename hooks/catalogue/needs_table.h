// The built-in catalogue as plain data: needs_table.inc, made from needs.json by scripts/make_catalogue.py.
#pragma once

#include <span>
#include <string_view>

#include "hooks/catalogue/op_info.h"

namespace cinch::hooks {

struct SlotData {
  const char* name;
  const char* argument;  // the schema's name for it where that differs
  std::span<const NeedRow> rows;
};

struct OpData {
  const char* name;
  const char* overload;
  std::span<const SlotData> slots;
};

std::span<const OpData> needs_table();
// nullptr: not in the catalogue.
const OpData* find_op_data(std::string_view name, std::string_view overload);
// True where some overload of `name` is in the catalogue.
bool in_needs_table(std::string_view name);

}  // namespace cinch::hooks
