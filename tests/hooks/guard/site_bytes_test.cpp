// No byte of a site is lost on the way to usage_by_site(), which is all that metrics know: against what the ledgers
// counted in all, and against a count by hand.
#include "hooks/session.h"
#include "tests/hooks/support.h"

namespace cinch::test {
namespace {

struct Bytes {
  int64_t raw = 0, charged = 0;
  bool operator==(const Bytes&) const = default;
  Bytes operator-(const Bytes& other) const { return {raw - other.raw, charged - other.charged}; }
};

void PrintTo(const Bytes& bytes, std::ostream* out) { *out << bytes.raw << " raw, " << bytes.charged << " charged"; }

Bytes of_all(const std::vector<SiteUsage>& sites) {
  Bytes sum;
  for (const SiteUsage& site : sites) sum = {sum.raw + site.raw_bytes, sum.charged + site.charged_bytes};
  return sum;
}

// Ledgers count their whole on its own, not as a sum of sites.
Bytes released() {
  hooks::Store& store = *hooks::current_session()->store;
  return {store.raw_ledger().totals().released, store.charged_ledger().totals().released};
}

Bytes of_site(const std::vector<SiteUsage>& sites, const std::string& name) {
  for (const SiteUsage& site : sites)
    if (site.site == name) return {site.raw_bytes, site.charged_bytes};
  ADD_FAILURE() << "no site " << name;
  return {};
}

constexpr int64_t kSide = 128, kRaw = kSide * kSide * 4, kCast = kRaw / 2 + 64;  // with its header

// What its layers save: values of which nothing else knows, one tensor saved by two ops, what a rule keeps, and what
// the program itself holds until after the backward.
struct Net : torch::nn::Module {
  torch::nn::Linear in{register_module("in", torch::nn::Linear(kSide, kSide))};
  torch::nn::Linear out{register_module("out", torch::nn::Linear(kSide, kSide))};
  at::Tensor held;

  at::Tensor forward(const at::Tensor& x) {
    auto h = in->forward(x);
    {
      const LayerScope layer("shared");
      const auto first = h.sin();
      h = first + h.cos();
    }
    h = out->forward(h);
    {
      const LayerScope layer("kept");
      h = h.sin();
    }
    const LayerScope layer("held");
    held = h * 2;
    return held.sin();
  }
};

Budget halves_but_kept() {
  Budget budget = everything({"cast", {{"dtype", std::string("bf16")}}});
  budget.rules.push_back({"kept/*", CodecSpec{"keep", {}}, {}});
  return budget;
}

struct Training {
  explicit Training(bool measure)
      : optimizer(net->parameters(), 0.01), guard(*net, halves_but_kept(), options(measure)) {}

  static GuardOptions options(bool measure) {
    GuardOptions result;
    result.measure = measure;
    return result;
  }
  at::Tensor forward() { return net->forward(x).sum(); }
  void end_step() {
    guard.step();
    const Bytes now = released();
    last = now - before;
    before = now;
  }

  const at::Tensor x = torch::randn({kSide, kSide});
  const std::shared_ptr<Net> net = std::make_shared<Net>();
  torch::optim::SGD optimizer;
  BudgetGuard guard;
  Bytes before, last;  // what the ledgers let go of: in all, in the last step
};

class SiteBytes : public testing::TestWithParam<bool> {};

TEST_P(SiteBytes, AddUpToWhatLedgersLetGoOfAndToACountByHand) {
  Training training(GetParam());
  for (int i = 0; i < 8; ++i) {
    training.forward().backward();
    training.optimizer.step();
    training.optimizer.zero_grad();
    training.end_step();
    const auto sites = training.guard.usage_by_site();
    EXPECT_EQ(of_all(sites), training.last) << "step " << i;
    // Inputs: of both linear layers (x is held too), of sin and cos in one, of what is kept and of what is held.
    const bool coded = i >= 2;
    const int64_t half = coded ? kCast : kRaw;
    EXPECT_EQ(of_all(sites), (Bytes{5 * kRaw, 3 * kRaw + 2 * half})) << "step " << i;
    EXPECT_EQ(of_site(sites, "shared/sin#0:self"), (Bytes{kRaw, half})) << "the first to save it";
    EXPECT_EQ(of_site(sites, "shared/cos#0:self"), Bytes{}) << "the same tensor";
    EXPECT_EQ(of_site(sites, "kept/sin#0:self"), (Bytes{kRaw, kRaw}));
    EXPECT_EQ(of_site(sites, "held/sin#0:self"), (Bytes{kRaw, kRaw}));
  }
}

TEST_P(SiteBytes, AreThoseOfTheStepThatLetsGo) {
  Training training(GetParam());
  at::Tensor earlier;
  for (int i = 0; i < 6; ++i) {
    at::Tensor loss = training.forward();
    if (earlier.defined()) earlier.backward();
    earlier = loss;
    training.end_step();
    const auto sites = training.guard.usage_by_site();
    EXPECT_EQ(of_all(sites), training.last) << "step " << i;
    EXPECT_EQ(of_all(sites).raw > 0, i > 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Measuring, SiteBytes, testing::Bool());

// Masks, indices, bits and planes; payloads that the reclaimer codes further.
class SiteBytesOfEveryForm : public InEverySetting {};

TEST_P(SiteBytesOfEveryForm, AddUpToWhatLedgersLetGoOf) {
  Bytes before;
  const auto outcomes = run_guarded(
      GetParam(),
      [](const Trial& run) -> Tensors {
        auto x = leaf({64, 64});
        auto h = coded_layers(x);
        h = at::maximum(h * 2, h * 0.5).sin();
        auto loss = (h.sin() + h.cos() * h.softmax(1)).sum();
        h.reset();
        run.squeeze();
        loss.backward();
        return {x.grad()};
      },
      [&](BudgetGuard& guard) {
        const Bytes now = released(), got = of_all(guard.usage_by_site());
        EXPECT_EQ(got, now - before);
        EXPECT_GT(got.raw, 0);
        before = now;
        const bool small = GetParam() != Setting::kObserve && guard.usage().steps == iterations_of(GetParam());
        if (small) {
          EXPECT_LT(got.charged, got.raw) << "something was coded";
        }
      });
  for (const Outcome& outcome : outcomes) EXPECT_EQ(outcome.error, "");
}

CINCH_IN_EVERY_SETTING(SiteBytesOfEveryForm);

}  // namespace
}  // namespace cinch::test
