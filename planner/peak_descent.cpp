#include "planner/descent.h"

#include <cmath>
#include <queue>

#include "planner/offer.h"

namespace cinch::planner {
namespace {

constexpr int kSqueezes = 64;

class PeakDescent {
 public:
  PeakDescent(const Problem& problem, const Prices& prices) : problem_(problem), prices_(prices), state_(problem) {
    record(state_.totals());
  }

  Path run() {
    const int64_t top = state_.peak(), range = std::max<int64_t>(top - problem_.floor_bytes, 0);
    // Finer levels and exchanges cost time and matter less the more payloads share the work.
    const double size =
        static_cast<double>(problem_.items.size() + 1) * static_cast<double>(problem_.raw_timeline.size() + 1);
    const int levels = static_cast<int>(std::clamp(4e7 / size, 24.0, 192.0));
    attempts_ = static_cast<int>(std::clamp(4e5 / size, 0.0, 32.0));
    for (int level = 0; level <= levels; ++level)
      targets_.push_back(top - static_cast<int64_t>(std::llround(static_cast<double>(range) * level / levels)));
    lower_levels();
    // Squeeze out the rest: the smallest feasible limit is reported to users.
    squeeze();
    take_smallest();
    squeeze();
    raise_levels();
    return std::move(path_);
  }

 private:
  void record(const Totals& totals) { path_.visits.push_back({totals, path_.moves.size()}); }

  void move(int32_t item, int32_t candidate) {
    state_.move(item, candidate);
    path_.moves.push_back({item, candidate});
  }

  void lower_levels() {
    for (const int64_t target : targets_) {
      if (state_.peak() <= target) continue;
      if (!reach(target)) return;
      take_back(target);
      exchange(target);
    }
  }

  void take_smallest() {
    for (size_t i = 0; i < problem_.items.size(); ++i) {
      const auto& candidates = problem_.items[i].candidates;
      const auto smallest =
          std::min_element(candidates.begin(), candidates.end(), [&](const Candidate& a, const Candidate& b) {
            return std::pair(a.bytes, prices_.of(a)) < std::pair(b.bytes, prices_.of(b));
          });
      const auto index = static_cast<int32_t>(smallest - candidates.begin());
      if (index != state_.choice()[i]) move(static_cast<int32_t>(i), index);
    }
    record(state_.totals());
  }

  // The same levels from below: what was found too small goes back up.
  void raise_levels() {
    take_back(state_.peak());
    exchange(state_.peak());
    for (size_t level = targets_.size(); level-- > 0;) {
      if (state_.peak() > targets_[level]) continue;
      const size_t before = path_.moves.size();
      take_back(targets_[level]);
      if (path_.moves.size() != before || level % 4 == 0) exchange(targets_[level]);
    }
  }

  // How many violating instants lie before each instant; false when there is none.
  bool count_violations(int64_t target) {
    const auto& usage = state_.usage();
    violations_before_.resize(usage.size() + 1);
    int64_t count = 0;
    for (size_t t = 0; t < usage.size(); ++t) {
      violations_before_[t] = count;
      count += usage[t] > target;
    }
    violations_before_[usage.size()] = count;
    return count > 0;
  }

  // The item's best way to bring violating instants down, counting a byte once for each of them.
  Offer best_offer(int32_t index) const {
    const Item& item = problem_.items[index];
    Offer best;
    if (item.candidates.size() < 2 || item.segments.empty()) return best;
    double instants = 0, buffered = 0, unbuffered = 0;
    for (const Segment& s : item.segments) {
      const auto n = static_cast<double>(violations_before_[s.end] - violations_before_[s.begin]);
      instants += n;
      buffered += n * static_cast<double>(s.add_buffered);
      unbuffered += n * static_cast<double>(s.add_unbuffered);
    }
    if (instants == 0) return best;
    const auto load = [&](const Candidate& c) {
      return c.kept ? 0.0 : instants * static_cast<double>(c.bytes) + (c.buffered ? buffered : unbuffered);
    };
    const Candidate& now = state_.chosen(index);
    for (size_t i = 0; i < item.candidates.size(); ++i) {
      const double freed = load(now) - load(item.candidates[i]);
      if (freed <= 0) continue;
      const double price = prices_.of(item.candidates[i]) - prices_.of(now);
      // Going back to a larger form to help one instant must not lift another, or the two would alternate for ever.
      if (price <= 0 && item.candidates[i].kept && !rises_nowhere_above(index, static_cast<int32_t>(i))) continue;
      const Offer offer = make_offer(freed, price, index, static_cast<int32_t>(i));
      if (best.item < 0 || offer.better_than(best)) best = offer;
    }
    return best;
  }

  // Brings the peak to `target`, or as near as moves that help on balance can; tells whether it got there.
  bool lower_to(int64_t target, int32_t fixed = -1) {
    std::vector<int32_t> moves_left(problem_.items.size());
    for (size_t i = 0; i < moves_left.size(); ++i)
      moves_left[i] = static_cast<int32_t>(problem_.items[i].candidates.size()) + 2;
    if (fixed >= 0) moves_left[fixed] = 0;
    bool progress = true;
    while (progress) {
      progress = false;
      if (!count_violations(target)) return true;
      std::priority_queue<Offer> offers;
      for (size_t i = 0; i < problem_.items.size(); ++i) {
        const Offer offer = best_offer(static_cast<int32_t>(i));
        if (offer.item >= 0 && moves_left[i] > 0) offers.push(offer);
      }
      while (!offers.empty()) {
        // Offers go stale as violations vanish: look again before taking one.
        const int32_t item = offers.top().item;
        offers.pop();
        const Offer fresh = best_offer(item);
        if (fresh.item < 0 || moves_left[item] == 0) continue;
        if (!offers.empty() && offers.top().better_than(fresh)) {
          offers.push(fresh);
          continue;
        }
        --moves_left[item];
        move(item, fresh.candidate);
        progress = true;
        record(state_.totals());
        if (!count_violations(target)) return true;
        const Offer next = best_offer(item);
        if (next.item >= 0) offers.push(next);
      }
    }
    return false;
  }

  // Highest instant within the item's segments if it were kept, coded with a decode buffer, or without; charged bytes
  // apart.
  struct Highest {
    int64_t now = INT64_MIN, kept = INT64_MIN, buffered = INT64_MIN, unbuffered = INT64_MIN;
    int64_t with(const Candidate& c) const { return c.kept ? kept : (c.buffered ? buffered : unbuffered) + c.bytes; }
  };
  Highest highest_without(size_t index) const {
    Highest out;
    for (const Segment& s : problem_.items[index].segments) {
      const auto begin = state_.usage().begin();
      const int64_t now = *std::max_element(begin + s.begin, begin + s.end),
                    without = now - State::delta(s, state_.chosen(index));
      out.now = std::max(out.now, now);
      out.kept = std::max(out.kept, without);
      out.buffered = std::max(out.buffered, without + s.add_buffered);
      out.unbuffered = std::max(out.unbuffered, without + s.add_unbuffered);
    }
    return out;
  }

  bool rises_nowhere_above(size_t index, int32_t candidate) const {
    const Highest highest = highest_without(index);
    return highest.with(problem_.items[index].candidates[candidate]) <= highest.now;
  }

  // The cheapest candidate of the item that leaves every instant at or below `target`.
  int32_t cheapest_fitting(size_t index, int64_t target) const {
    const Highest highest = highest_without(index);
    const auto& candidates = problem_.items[index].candidates;
    int32_t best = state_.choice()[index];
    for (size_t i = 0; i < candidates.size(); ++i) {
      if (highest.with(candidates[i]) <= target && prices_.of(candidates[i]) < prices_.of(candidates[best]))
        best = static_cast<int32_t>(i);
    }
    return best;
  }

  // Back to an earlier choice, as moves of the path like any others.
  void restore(const std::vector<int32_t>& choice) {
    for (size_t i = 0; i < choice.size(); ++i) {
      if (state_.choice()[i] != choice[i]) move(static_cast<int32_t>(i), choice[i]);
    }
  }

  // lower_to with all or nothing.
  bool reach(int64_t target) {
    const std::vector<int32_t> before = state_.choice();
    const bool reached = lower_to(target);
    if (!reached) restore(before);
    return reached;
  }

  void squeeze() {
    for (int round = 0; round < kSqueezes && reach(state_.peak() - 1); ++round) take_back(state_.peak());
  }

  void take_back(int64_t target) {
    std::vector<size_t> order;
    for (size_t i = 0; i < problem_.items.size(); ++i) {
      if (!problem_.items[i].segments.empty() && problem_.items[i].candidates.size() > 1 &&
          prices_.of(state_.chosen(i)) > 0)
        order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return prices_.of(state_.chosen(a)) > prices_.of(state_.chosen(b)); });
    const size_t before = path_.moves.size();
    for (size_t i : order) {
      const int32_t candidate = cheapest_fitting(i, target);
      if (candidate != state_.choice()[i]) move(static_cast<int32_t>(i), candidate);
    }
    if (path_.moves.size() != before) record(state_.totals());
  }

  double price() const {
    double sum = 0;
    for (size_t i = 0; i < problem_.items.size(); ++i) sum += prices_.of(state_.chosen(i));
    return sum;
  }

  // Gives one item a cheaper form that does not fit and lets the others make room; kept where the sum is cheaper.
  bool try_exchange(int32_t item, int32_t candidate, int64_t target) {
    const std::vector<int32_t> before = state_.choice();
    const double price_before = price();
    const size_t moves = path_.moves.size(), visits = path_.visits.size();
    move(item, candidate);
    if (lower_to(target, item)) take_back(target);
    if (state_.peak() <= target && price() < price_before * (1 - 1e-9)) return true;
    for (size_t i = 0; i < before.size(); ++i) {
      if (state_.choice()[i] != before[i]) state_.move(i, before[i]);
    }
    path_.moves.resize(moves);
    path_.visits.resize(visits);
    return false;
  }

  void exchange(int64_t target) {
    int attempts = attempts_;
    const auto count = static_cast<int64_t>(problem_.items.size());
    for (int64_t looked = 0; attempts > 0 && looked < 2 * count; ++looked) {
      const auto item = static_cast<int32_t>(turn_++ % count);
      const auto& candidates = problem_.items[item].candidates;
      for (size_t c = 0; c < candidates.size() && attempts > 0; ++c) {
        if (!(prices_.of(candidates[c]) < prices_.of(state_.chosen(item)))) continue;
        --attempts;
        if (try_exchange(item, static_cast<int32_t>(c), target)) looked = 0;
      }
    }
  }

  const Problem& problem_;
  const Prices prices_;
  State state_;
  Path path_;
  int64_t turn_ = 0;  // whose turn it is to be exchanged: attempts are few, all items should have some
  std::vector<int64_t> targets_, violations_before_;
  int attempts_ = 0;
};

}  // namespace

Path descend_peak(const Problem& problem, const Prices& prices) { return PeakDescent(problem, prices).run(); }

}  // namespace cinch::planner
