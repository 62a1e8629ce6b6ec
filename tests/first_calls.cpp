// Linked into every test program with torch: the first calls of vector mathematics, made on one thread before any test.
// MKL chooses its code at such a call, and where two threads make it at once, results may differ in that one call from
// all later ones: stock torch's first `sin` of 4096 values did in 6 of 6000 processes (docs/decisions.md). Tests that
// compare bits with stock's would see it.
#include <ATen/Functions.h>
#include <gtest/gtest.h>

namespace cinch::test {
namespace {

class FirstCalls : public ::testing::Environment {
 public:
  void SetUp() override {
    for (const auto type : {at::kFloat, at::kDouble}) {
      const auto x = at::full({8}, 0.5, type);  // too few values for a second thread
      for (const auto op : {at::acos, at::asin, at::atan, at::cos, at::erf, at::erfc, at::erfinv, at::exp, at::log,
                            at::log10, at::log2, at::sin, at::sqrt, at::tan, at::tanh, at::trunc})
        op(x);
    }
  }
};

const auto* const kFirstCalls = ::testing::AddGlobalTestEnvironment(new FirstCalls);

}  // namespace
}  // namespace cinch::test
