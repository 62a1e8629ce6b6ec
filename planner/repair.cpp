#include <algorithm>
#include <cmath>
#include <queue>

#include "planner/adjust.h"
#include "planner/offer.h"

namespace cinch::planner {
namespace {

constexpr int kPasses = 4;
constexpr size_t kRepairs = 64;  // moves, and twice the items; who needs more started from prices that are no good

}  // namespace

// How far a state is beyond its bounds, and how much nearer a change would bring it. Bytes count as shares of the room
// above the floor, on average over the instants that are above the limit; noise as a share of its bound.
class Adjuster::Excess {
 public:
  Excess(const Adjuster& adjuster, const State& state, const Bounds& bounds)
      : adjuster_(adjuster),
        state_(state),
        bounds_(bounds),
        above_before_(state.usage().size() + 1),
        bounded_(std::isfinite(bounds.noise)) {
    room_ = static_cast<double>(std::max<int64_t>(1, bounds.limit - state.problem().floor_bytes));
  }

  /// Looks at the state anew; false where it keeps the bounds.
  bool look() {
    // This is asked after each move: one pass, in integers.
    const std::vector<int64_t>& usage = state_.usage();
    above_ = 0;
    int64_t over = 0;
    if (bounds_.limit > 0) {
      for (size_t t = 0; t < usage.size(); ++t) {
        above_before_[t] = above_;
        above_ += usage[t] > bounds_.limit ? 1 : 0;
        over += std::max<int64_t>(0, usage[t] - bounds_.limit);
      }
      above_before_[usage.size()] = above_;
    }
    if (bounded_) noise_ = state_.noise();
    needed_ = above_ > 0 ? static_cast<double>(over) / (static_cast<double>(above_) * room_) : 0;
    return above_ > 0 || noise_ > bounds_.noise;
  }

  /// Turns to an item; false where no candidate of it can help.
  bool turn_to(size_t item) {
    item_ = item;
    instants_ = buffered_ = unbuffered_ = 0;
    if (above_ > 0) {
      for (const Segment& s : state_.problem().items[item].segments) {
        const auto n = static_cast<double>(above_before_[s.end] - above_before_[s.begin]);
        instants_ += n;
        buffered_ += n * static_cast<double>(s.add_buffered);
        unbuffered_ += n * static_cast<double>(s.add_unbuffered);
      }
    }
    load_ = load(state_.chosen(item));
    return instants_ > 0 || noise_ > bounds_.noise;
  }

  double freed_by(const Candidate& c) const {
    const Candidate& now = state_.chosen(item_);
    double freed = 0;
    // More than is needed is worth no more.
    if (above_ > 0) freed += std::min(needed_, (load_ - load(c)) / (static_cast<double>(above_) * room_));
    if (bounded_ && c.noise != now.noise) {
      const auto over = [&](double noise) { return std::max(0.0, noise - bounds_.noise) / bounds_.noise; };
      freed += over(noise_) - over(noise_ - now.noise + c.noise);
    }
    if (freed <= 0) return freed;
    // What it would push above the limit where there is hardly any room.
    for (size_t d = 0; d < adjuster_.dear_.size() && bounds_.limit > 0; ++d) {
      const Segment* s = adjuster_.segment_at(item_, d);
      const int64_t usage = state_.usage()[adjuster_.dear_[d]];
      if (!s || usage > bounds_.limit) continue;
      const int64_t then = usage + State::delta(*s, c) - State::delta(*s, now);
      if (then > bounds_.limit) freed -= static_cast<double>(then - bounds_.limit) / room_;
    }
    return freed;
  }

 private:
  double load(const Candidate& c) const {
    return c.kept ? 0.0 : instants_ * static_cast<double>(c.bytes) + (c.buffered ? buffered_ : unbuffered_);
  }

  const Adjuster& adjuster_;
  const State& state_;
  const Bounds bounds_;
  std::vector<int32_t> above_before_;  ///< how many instants above the limit lie before each one
  const bool bounded_;                 ///< noise is
  double room_ = 1, noise_ = 0, needed_ = 0, load_ = 0, instants_ = 0, buffered_ = 0, unbuffered_ = 0;
  int32_t above_ = 0;
  size_t item_ = 0;
};

bool Adjuster::repair(State& state, const Bounds& bounds, int32_t fixed) const {
  const auto& items = compact_.problem.items;
  if (bounds.noise <= 0 && state.noise() > 0) return false;  // what is lossless alone was left, and is not enough
  Excess excess(*this, state, bounds);
  const auto best_offer = [&](size_t i) {
    Offer best;
    if (static_cast<int32_t>(i) == fixed || items[i].candidates.size() < 2 || !excess.turn_to(i)) return best;
    const auto now = static_cast<size_t>(state.choice()[i]);
    for (size_t c = 0; c < items[i].candidates.size(); ++c) {
      if (c == now) continue;
      const double freed = excess.freed_by(items[i].candidates[c]);
      if (freed <= 0) continue;
      const Offer offer =
          make_offer(freed, regrets_.of(i, c) - regrets_.of(i, now), static_cast<int32_t>(i), static_cast<int32_t>(c));
      if (best.item < 0 || offer.better_than(best)) best = offer;
    }
    return best;
  };
  // Offers go stale as the excess vanishes: each is looked at again before it is taken.
  size_t moves_left = kRepairs + 2 * items.size();
  for (int pass = 0; pass < kPasses; ++pass) {
    if (!excess.look()) return true;
    std::priority_queue<Offer> offers;
    for (size_t i = 0; i < items.size(); ++i) {
      if (const Offer offer = best_offer(i); offer.item >= 0) offers.push(offer);
    }
    while (!offers.empty() && moves_left > 0) {
      const auto item = static_cast<size_t>(offers.top().item);
      offers.pop();
      const Offer fresh = best_offer(item);
      if (fresh.item < 0) continue;
      if (!offers.empty() && offers.top().better_than(fresh)) {
        offers.push(fresh);
        continue;
      }
      state.move(item, fresh.candidate);
      --moves_left;
      if (!excess.look()) return true;
      if (const Offer next = best_offer(item); next.item >= 0) offers.push(next);
    }
  }
  return false;
}

}  // namespace cinch::planner
