#include "bench/needs_suite.h"

#include <torch/version.h>

#include "bench/needs_check.h"
#include "hooks/catalogue/needs_table.h"

namespace cinch::bench {
namespace {

// Garbage must change the gradient unless the row says that nothing is read.
bool reads_values(const hooks::NeedRow& row) { return row.need != Need::kShape; }

std::string judge(const hooks::NeedRow& row, const RowResult* result) {
  if (result == nullptr || result->runs == 0) return "no case reached this row";
  if (!result->failure.empty()) return result->failure;
  if (reads_values(row) && !result->changed) return "garbage changed no gradient: the row asks for too much";
  if (row.need == Need::kNonlinear && !result->nonlinear) return "the gradient was linear in it in every case";
  return "";
}

void add_rows(const hooks::OpData& op, const RowResults& results, NeedsReport& report) {
  for (const auto& slot : op.slots) {
    for (const auto& row : slot.rows) {
      const auto found = results.find(&row);
      const RowResult* const result = found == results.end() ? nullptr : &found->second;
      NeedsRow out{op.name, op.overload, slot.name, row.variant, std::string(to_string(row.need))};
      out.from_source = !row.verified;
      if (row.verified) {
        out.error = judge(row, result);
        out.verified = out.error.empty();
        out.second_order = result != nullptr && result->second_orders > 0;
      }
      ++(out.from_source ? report.from_source : out.verified ? report.held : report.failed);
      report.rows.push_back(std::move(out));
    }
  }
}

}  // namespace

NeedsReport run_needs() {
  NeedsReport report;
  report.torch = TORCH_VERSION;
  RowResults results;
  for (const auto& cases : {elementwise_cases(), layer_cases(), index_cases(), reduction_cases(), loss_cases()}) {
    for (const auto& c : cases) {
      const std::string wrong = check_case(c, results);
      if (!wrong.empty()) report.broken_cases.push_back(wrong);
    }
  }
  // Overloads of an op share their rows: each row is listed once.
  const std::span<const hooks::SlotData>* last = nullptr;
  for (const auto& op : hooks::needs_table()) {
    if (last == nullptr || last->data() != op.slots.data()) add_rows(op, results, report);
    last = &op.slots;
  }
  return report;
}

}  // namespace cinch::bench
