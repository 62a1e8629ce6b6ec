#include <vector>

#include "cinch/error.h"
#include "cinch/torch/scope.h"
#include "hooks/catalogue/needs_table.h"
#include "hooks/catalogue/registry.h"

namespace cinch {

void declare_op(const std::string& name, const std::vector<Need>& needs) {
  if (name.empty()) throw Error("declare_op: the op has no name");
  if (hooks::in_needs_table(name))
    throw Error("declare_op: " + name + " is in the built-in catalogue, which cannot be changed");
  std::vector<hooks::NeedRow> rows;
  for (const Need need : needs) {
    if (need == Need::kMask)
      throw Error("declare_op: " + name + ": a mask needs a predicate, which cannot be declared; say linear or exact");
    hooks::NeedRow& row = rows.emplace_back();
    row.variant = "declared";
    row.need = need;
    row.verified = {.cpu = true, .cuda = true};  // by whoever declares it
    row.reach = is_value(need) ? hooks::Reach::kBoth : hooks::Reach::kNone;
  }
  hooks::registry::declare(name, std::move(rows));
}

}  // namespace cinch
