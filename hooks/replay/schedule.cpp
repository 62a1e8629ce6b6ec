#include "hooks/replay/schedule.h"

#include <algorithm>

namespace cinch::hooks {

Schedule::Item* Schedule::find(const std::string& key) {
  const auto found = std::ranges::find(items_, key, &Item::key);
  return found == items_.end() ? nullptr : &*found;
}

void Schedule::offer(const std::string& key, double priority) {
  if (Item* known = find(key)) {
    known->priority = priority;
    known->misses = 0;
    return;
  }
  Item item;
  item.key = key;
  item.priority = priority;
  items_.push_back(std::move(item));
}

void Schedule::resume(const std::string& key, int64_t times) {
  if (Item* item = find(key)) item->times = times;
}

std::vector<Schedule::Item*> Schedule::to_be_tried() {
  std::vector<Item*> order;
  for (Item& item : items_)
    if (item.may_be_tried() && (complete() || item.times == 0)) order.push_back(&item);
  std::ranges::stable_sort(order, [](const Item* a, const Item* b) {
    return a->last != b->last ? a->last < b->last : a->priority > b->priority;
  });
  return order;
}

bool Schedule::due() const {
  if (items_.empty()) return false;
  if (!complete()) return true;
  return steps_ + 1 - measured_ >= kLeastSteps &&
         owed_ >= std::min<double>(kLeastSites, static_cast<double>(items_.size()));
}

std::vector<Schedule::Turn> Schedule::next() {
  const bool now = due(), first = !complete();
  const std::vector<Item*> order = to_be_tried();
  ++steps_;
  if (!first)
    owed_ += static_cast<double>(order.size()) / static_cast<double>(std::max(kLeastRound, steps_ / kRoundShare));
  if (!now) return {};
  measured_ = steps_;
  const size_t room = first ? kFirstSites : static_cast<size_t>(owed_);
  size_t follows = kFollows;
  std::vector<Turn> turns;
  for (Item* item : order) {
    if (turns.size() == room) break;
    const bool follow = item->followed * kFollowAgain <= steps_;
    if (follow && follows == 0) continue;
    follows -= follow ? 1 : 0;
    item->last = steps_;
    turns.push_back({item->key, follow});
  }
  if (!first) owed_ = 0;
  return turns;
}

void Schedule::measured(const std::string& key, bool followed) {
  Item* const item = find(key);
  if (item == nullptr) return;
  ++item->times;
  item->misses = 0;
  if (followed) item->followed = steps_;
}

void Schedule::refused(const std::string& key) {
  if (Item* item = find(key)) item->refused = true;
}

bool Schedule::missed(const std::string& key) {
  Item* const item = find(key);
  if (item == nullptr) return false;
  return ++item->misses >= kMostMisses;
}

bool Schedule::complete(int64_t rounds) const {
  return !items_.empty() &&
         std::ranges::all_of(items_, [&](const Item& item) { return !item.may_be_tried() || item.times >= rounds; });
}

}  // namespace cinch::hooks
