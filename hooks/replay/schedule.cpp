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

bool Schedule::wants_room() const {
  const auto waiting = static_cast<size_t>(
      std::ranges::count_if(items_, [](const Item& item) { return item.tight && item.may_be_tried(); }));
  if (waiting == 0 || !complete()) return false;
  const auto steps_a_round = static_cast<int64_t>((waiting + kRoomySites - 1) / kRoomySites);
  return steps_ + 1 - roomy_ >= round() / steps_a_round;
}

std::vector<Schedule::Turn> Schedule::next(bool roomy) {
  const bool first = !complete();
  ++steps_;
  if (roomy) roomy_ = steps_;
  std::vector<Item*> order;
  for (Item& item : items_)
    if (item.may_be_tried() && (first ? item.times == 0 : item.tight == roomy)) order.push_back(&item);
  std::ranges::stable_sort(order, [](const Item* a, const Item* b) {
    return a->last != b->last ? a->last < b->last : a->priority > b->priority;
  });
  size_t room = first ? kFirstSites : kRoomySites, follows = first ? kFirstSites : 1;
  if (!first && !roomy) {
    due_ += static_cast<double>(order.size()) / static_cast<double>(round());
    room = static_cast<size_t>(due_);
    due_ -= static_cast<double>(room);
  }
  std::vector<Turn> turns;
  for (Item* item : order) {
    if (turns.size() == room) break;
    const bool follow = item->followed * kFollowAgain <= steps_;
    if (follow && follows == 0) continue;
    follows -= follow ? 1 : 0;
    item->last = steps_;
    turns.push_back({item->key, follow});
  }
  return turns;
}

void Schedule::measured(const std::string& key, bool followed) {
  Item* const item = find(key);
  if (item == nullptr) return;
  ++item->times;
  item->misses = 0;
  item->tight = item->tight && roomy_ == steps_;
  if (followed) item->followed = steps_;
}

void Schedule::refused(const std::string& key) {
  if (Item* item = find(key)) item->refused = true;
}

bool Schedule::missed(const std::string& key) {
  Item* const item = find(key);
  if (item == nullptr) return false;
  item->tight = true;
  return ++item->misses >= kMostMisses;
}

bool Schedule::complete(int64_t rounds) const {
  return !items_.empty() &&
         std::ranges::all_of(items_, [&](const Item& item) { return !item.may_be_tried() || item.times >= rounds; });
}

}  // namespace cinch::hooks
