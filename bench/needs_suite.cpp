#include "bench/needs_suite.h"

#include <ATen/Context.h>
#include <c10/core/DeviceGuard.h>
#include <torch/version.h>

#include <cstdlib>
#include <set>
#include <string>

#include "bench/needs_check.h"
#include "hooks/catalogue/needs_table.h"

namespace cinch::bench {
namespace {

// Gradients are compared bit for bit: the same kernels each time, and no shortcuts through shorter floats.
class ExactKernels {
 public:
  ExactKernels() {
    // Kernels without a deterministic form run all the same; where they do differ, the case says so.
    context_.setDeterministicAlgorithms(true, /*warn_only=*/true);
    context_.setDeterministicCuDNN(true);
    context_.setBenchmarkCuDNN(false);
    context_.setAllowTF32CuDNN(false);
  }
  ~ExactKernels() {
    context_.setDeterministicAlgorithms(deterministic_, warn_only_);
    context_.setDeterministicCuDNN(cudnn_);
    context_.setBenchmarkCuDNN(benchmark_);
    context_.setAllowTF32CuDNN(tf32_);
  }
  ExactKernels(const ExactKernels&) = delete;
  ExactKernels& operator=(const ExactKernels&) = delete;

 private:
  at::Context& context_ = at::globalContext();
  const bool deterministic_ = context_.deterministicAlgorithms();
  const bool warn_only_ = context_.deterministicAlgorithmsWarnOnly();
  const bool cudnn_ = context_.deterministicCuDNN();
  const bool benchmark_ = context_.benchmarkCuDNN();
  const bool tf32_ = context_.allowTF32CuDNN();
};

// Garbage must change the gradient unless the row says that nothing is read.
bool reads_values(const hooks::NeedRow& row) { return row.need != Need::kShape; }

std::string judge(const hooks::NeedRow& row, const RowResult* result) {
  if (result == nullptr || result->runs == 0) return "no case reached this row";
  if (!result->failure.empty()) return result->failure;
  if (reads_values(row) && !result->changed) return "garbage changed no gradient: the row asks for too much";
  if (row.need == Need::kNonlinear && !result->nonlinear) return "the gradient was linear in it in every case";
  return "";
}

struct Results {
  RowResults rows;
  std::set<std::string> broken_ops;  // what their other cases showed is not the whole truth
};

void count(const NeedsRow& row, NeedsReport& report) {
  if (row.claimed) {
    ++(row.verified ? report.held : report.failed);
  } else {
    ++(row.verified ? report.unclaimed_held : report.from_source);
  }
}

void add_rows(const hooks::OpData& op, const Results& results, c10::DeviceType device, NeedsReport& report) {
  for (const auto& slot : op.slots) {
    for (const auto& row : slot.rows) {
      const auto found = results.rows.find(&row);
      const RowResult* const result = found == results.rows.end() ? nullptr : &found->second;
      NeedsRow out{op.name, op.overload, slot.name, row.variant, std::string(to_string(row.need))};
      out.claimed = row.verified.device(device) && row.is_for(hooks::running_torch());
      out.run = result != nullptr && result->runs > 0;
      if (out.claimed || out.run) {
        out.error = results.broken_ops.contains(op.name) ? "a case of this op is broken" : judge(row, result);
        out.verified = out.error.empty();
        out.second_order = result != nullptr && result->second_orders > 0;
      }
      count(out, report);
      report.rows.push_back(std::move(out));
    }
  }
}

Results run_cases(const OnDevice&, NeedsReport& report) {
  Results results;
  for (const auto& cases :
       {elementwise_cases(), layer_cases(), index_cases(), reduction_cases(), loss_cases(), cuda_cases()}) {
    for (const auto& c : cases) {
      if (c.only && *c.only != case_device().type()) continue;
      const std::string wrong = check_case(c, results.rows);
      if (wrong.empty()) continue;
      // Some backwards of a device add in any order, whatever it is told: nothing can be shown of them.
      const bool unstable = !case_device().is_cpu() && wrong.ends_with(kUnstable);
      (unstable ? report.unstable_cases : report.broken_cases).push_back(wrong);
      results.broken_ops.insert(c.op);
    }
  }
  return results;
}

}  // namespace

NeedsReport run_needs(c10::Device device) {
  NeedsReport report;
  report.torch = TORCH_VERSION;
  // What is to be verified is looked up whether it is trusted yet or not. Asked for once, at the first op.
  const std::string plain = report.torch.substr(0, report.torch.find('+'));
  setenv("CINCH_TRUST_TORCH", plain.c_str(), /*overwrite=*/1);
  report.device = device.str();
  const c10::OptionalDeviceGuard guard(device.is_cpu() ? std::optional<c10::Device>() : device);
  std::optional<ExactKernels> exact;
  if (!device.is_cpu()) exact.emplace();
  const Results results = run_cases(OnDevice(device), report);
  // Overloads of an op share their rows: each row is listed once.
  const std::span<const hooks::SlotData>* last = nullptr;
  for (const auto& op : hooks::needs_table()) {
    if (last == nullptr || last->data() != op.slots.data()) add_rows(op, results, device.type(), report);
    last = &op.slots;
  }
  return report;
}

}  // namespace cinch::bench
