#include "planner/enumerate.h"

#include <algorithm>

#include "planner/state.h"

namespace cinch::planner {
namespace {

// Sums of costs in different orders differ in their last bits.
constexpr double kRounding = 1e-12;

class Tree {
 public:
  Tree(const Compact& compact, const Regrets& regrets, const Bounds& bounds, double bound, double upper, int64_t work)
      : compact_(compact), bounds_(bounds), bound_(bound), best_(upper), work_(work) {
    usage_ = compact.problem.raw_timeline;
    choice_.resize(compact.problem.items.size(), 0);
    for (size_t i = 0; i < choice_.size(); ++i) add(i, regrets);
    std::stable_sort(branches_.begin(), branches_.end(),
                     [](const Branch& a, const Branch& b) { return a.leaves[1].regret > b.leaves[1].regret; });
  }

  Enumeration run() {
    Enumeration out;
    if (bound_ < best_) {
      possible_ = possible_ && noise_ <= bounds_.noise * (1 + kRounding) &&
                  (bounds_.limit == 0 ||
                   std::all_of(usage_.begin(), usage_.end(), [&](int64_t bytes) { return bytes <= bounds_.limit; }));
      if (possible_) descend(0, bound_, cost_);
    }
    out.complete = work_ > 0;
    out.choice = found_;
    return out;
  }

 private:
  struct Leaf {
    double regret;
    int32_t candidate;
  };
  struct Branch {
    size_t item;
    std::vector<Leaf> leaves;    // least regret first
    std::vector<int64_t> least;  // over each segment, whatever is chosen
    double least_noise;
  };

  // Decided where one candidate is left; else the least that any of them uses is counted until it is.
  void add(size_t item, const Regrets& regrets) {
    Branch branch{item, {}, {}, 0};
    const Item& it = compact_.problem.items[item];
    for (size_t c = 0; c < it.candidates.size(); ++c) {
      const double regret = regrets.of(item, c);
      if (bound_ + regret < best_) branch.leaves.push_back({regret, static_cast<int32_t>(c)});
    }
    if (branch.leaves.empty()) {
      possible_ = false;
      return;
    }
    std::stable_sort(branch.leaves.begin(), branch.leaves.end(),
                     [](const Leaf& a, const Leaf& b) { return a.regret < b.regret; });
    if (branch.leaves.size() == 1) {
      const Candidate& only = it.candidates[branch.leaves[0].candidate];
      choice_[item] = branch.leaves[0].candidate;
      for (const Segment& s : it.segments) shift(s, State::delta(s, only));
      noise_ += only.noise;
      cost_ += only.cost;
      return;
    }
    branch.least_noise = std::numeric_limits<double>::infinity();
    for (const Leaf& leaf : branch.leaves)
      branch.least_noise = std::min(branch.least_noise, it.candidates[leaf.candidate].noise);
    noise_ += branch.least_noise;
    for (const Segment& s : it.segments) {
      int64_t least = INT64_MAX;
      for (const Leaf& leaf : branch.leaves) least = std::min(least, State::delta(s, it.candidates[leaf.candidate]));
      branch.least.push_back(least);
      shift(s, least);
    }
    branches_.push_back(std::move(branch));
  }

  bool shift(const Segment& s, int64_t bytes) {
    work_ -= 2 + s.end - s.begin;
    int64_t highest = INT64_MIN;
    for (int32_t t = s.begin; t < s.end; ++t) highest = std::max(highest, usage_[t] += bytes);
    return bounds_.limit == 0 || highest <= bounds_.limit;
  }

  void descend(size_t depth, double bound, double cost) {
    if (depth == branches_.size()) {
      if (cost < best_ && noise_of_choice() <= bounds_.noise) {
        best_ = cost;
        found_ = choice_;
      }
      return;
    }
    const Branch& branch = branches_[depth];
    const Item& item = compact_.problem.items[branch.item];
    for (const Leaf& leaf : branch.leaves) {
      if (bound + leaf.regret >= best_ || work_ <= 0) return;
      work_ -= 4;
      const Candidate& c = item.candidates[leaf.candidate];
      const double noise = noise_;
      noise_ += c.noise - branch.least_noise;
      bool open = noise_ <= bounds_.noise * (1 + kRounding);
      size_t done = 0;
      while (open && done < item.segments.size()) {
        open = shift(item.segments[done], State::delta(item.segments[done], c) - branch.least[done]);
        ++done;
      }
      if (open) {
        choice_[branch.item] = leaf.candidate;
        descend(depth + 1, bound + leaf.regret, cost + c.cost);
      }
      while (done-- > 0) shift(item.segments[done], branch.least[done] - State::delta(item.segments[done], c));
      noise_ = noise;
    }
  }

  double noise_of_choice() const {
    double sum = 0;
    for (size_t i = 0; i < choice_.size(); ++i) sum += compact_.problem.items[i].candidates[choice_[i]].noise;
    return sum;
  }

  const Compact& compact_;
  const Bounds bounds_;
  const double bound_;
  double best_;
  int64_t work_;
  bool possible_ = true;
  double noise_ = 0, cost_ = 0;
  std::vector<int64_t> usage_;
  std::vector<int32_t> choice_;
  std::vector<Branch> branches_;
  std::optional<std::vector<int32_t>> found_;
};

}  // namespace

Enumeration enumerate(const Compact& compact, const Regrets& regrets, const Bounds& bounds, double bound, double upper,
                      int64_t work) {
  return Tree(compact, regrets, bounds, bound, upper, work).run();
}

}  // namespace cinch::planner
