// Runs a program under a guard, in every phase and under memory pressure, beside stock LibTorch in the same process.
#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cinch/torch/guard.h"
#include "cinch/torch/meter.h"
#include "cinch/torch/out_of_budget.h"
#include "cinch/torch/scope.h"

namespace cinch::test {

enum class Setting {
  kObserve,       // the first steps: payloads stay raw
  kExact,         // planned, lossless
  kLossy,         // planned, group_quant of 4 bits wherever values are needed
  kReclaim,       // no plan yet, a byte limit; squeeze() has everything coded further, lossy
  kReclaimExact,  // the same with lossless methods only
};
const char* name_of(Setting setting);
void PrintTo(Setting setting, std::ostream* out);
// Gradients must be stock's, bit for bit.
bool is_lossless(Setting setting);

using Tensors = std::vector<at::Tensor>;

// What a program is told of the run it is part of.
struct Trial {
  Setting setting = Setting::kObserve;
  BudgetGuard* guard = nullptr;  // null: stock
  int64_t number = 0;            // of the iteration
  int64_t start_bytes = 0;

  // To be called between forward and backward: with a byte limit, asks for so much memory that everything which the
  // reclaimer can code is coded. Otherwise nothing.
  void squeeze() const;
  // Tracks the module when there is a guard.
  void track(const torch::nn::Module& module) const;
};

// One training iteration; makes its own tensors, returns gradients. May throw.
using Program = std::function<Tensors(const Trial&)>;

struct Outcome {
  Tensors tensors;
  std::string error;  // empty: did not throw
};

Budget budget_of(Setting setting);
// `spec` for all values, however much noise it costs.
Budget everything(const CodecSpec& spec);
// A limit alone: however much noise it costs.
Budget without_noise_bound(int64_t limit_bytes);
GuardOptions options_of(Setting setting);
// Steps until the setting is reached, and one more.
int64_t iterations_of(Setting setting);

// One run of the program with a fixed seed.
Outcome run_once(const Program& program, const Trial& run);
// All runs of the program under one guard; `seen` is called after each guard.step().
std::vector<Outcome> run_guarded(Setting setting, const Program& program,
                                 const std::function<void(BudgetGuard&)>& seen = {});
// The same, without any guard.
std::vector<Outcome> run_stock(Setting setting, const Program& program);

enum class Bits { kAsSetting, kAlways, kFirst };
// Runs the program in both worlds: the same results (bit for bit where the setting is lossless, else near; all of them,
// or the first one, bit for bit in every setting), the same errors, and no byte that stays behind.
void expect_like_stock(Setting setting, const Program& program, Bits bits = Bits::kAsSetting,
                       const std::function<void(BudgetGuard&)>& seen = {});

void expect_same_bits(const at::Tensor& got, const at::Tensor& stock, const std::string& what);
void expect_close(const at::Tensor& got, const at::Tensor& stock, double relative, const std::string& what);
// As near as the setting allows: an error bound, and enough of `got` along `stock`. What was lost or taken from another
// payload has nothing along it, also where two bits make an error as large as the gradient.
void expect_near(const at::Tensor& got, const at::Tensor& stock, Setting setting, const std::string& what);

// Normal values, needing a gradient.
at::Tensor leaf(std::vector<int64_t> sizes, at::ScalarType type = at::kFloat);
// Layers on 64 x 64 whose saves all have a lossless form (a mask, indices, a dropout's two values, bits) and are not
// held by anyone else: their gradients are stock's in every setting.
at::Tensor coded_layers(const at::Tensor& x);
// For `seen`: what the program saves was coded, without fallbacks, unless the setting only observes.
std::function<void(BudgetGuard&)> expect_coded(Setting setting);

class InEverySetting : public ::testing::TestWithParam<Setting> {};
std::string setting_name(const ::testing::TestParamInfo<Setting>& info);

#define CINCH_IN_EVERY_SETTING(suite)                                                                                \
  INSTANTIATE_TEST_SUITE_P(Settings, suite,                                                                          \
                           ::testing::Values(Setting::kObserve, Setting::kExact, Setting::kLossy, Setting::kReclaim, \
                                             Setting::kReclaimExact),                                                \
                           setting_name)

}  // namespace cinch::test
