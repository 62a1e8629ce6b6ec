#include "hooks/replay/schedule.h"

#include <algorithm>

namespace cinch::hooks {

Schedule::Item* Schedule::find(const std::string& key) {
  const auto found = std::ranges::find(items_, key, &Item::key);
  return found == items_.end() ? nullptr : &*found;
}

void Schedule::withdraw() {
  for (Item& item : items_) item.offered = false;
}

void Schedule::offer(const std::string& key, double priority) {
  if (Item* known = find(key)) {
    known->offered = true;
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

bool Schedule::first() const {
  return std::ranges::any_of(items_, [](const Item& item) { return item.may_be_tried() && item.followed == 0; });
}

std::vector<Schedule::Item*> Schedule::to_be_tried() {
  const bool unfollowed = first();
  std::vector<Item*> order;
  for (Item& item : items_)
    if (item.may_be_tried() && (!unfollowed || item.followed == 0)) order.push_back(&item);
  std::ranges::stable_sort(order, [](const Item* a, const Item* b) {
    return a->last != b->last ? a->last < b->last : a->priority > b->priority;
  });
  return order;
}

bool Schedule::due() const {
  if (first()) return true;
  const auto sites = static_cast<double>(std::ranges::count_if(items_, &Item::may_be_tried));
  return sites > 0 && steps_ + 1 - measured_ >= kLeastSteps && owed_ >= std::min(kLeastSites, sites);
}

std::vector<Schedule::Turn> Schedule::next() {
  const bool now = due(), unfollowed = first();
  const std::vector<Item*> order = to_be_tried();
  ++steps_;
  if (!unfollowed)
    owed_ += static_cast<double>(order.size()) / static_cast<double>(std::max(kLeastRound, steps_ / kRoundShare));
  if (!now) return {};
  measured_ = steps_;
  const size_t room = unfollowed ? kFirstSites : static_cast<size_t>(owed_);
  size_t follows = kFollows;
  std::vector<Turn> turns;
  for (Item* item : order) {
    if (turns.size() == room) break;
    const bool follow = item->followed * kFollowAgain <= steps_ && follows > 0;
    follows -= follow ? 1 : 0;
    item->last = steps_;
    turns.push_back({item->key, follow});
  }
  if (!unfollowed) owed_ -= static_cast<double>(room);
  return turns;
}

void Schedule::measured(const std::string& key, bool followed) {
  Item* const item = find(key);
  if (item == nullptr) return;
  ++item->times;
  item->misses = 0;
  if (followed) item->followed = steps_;
}

void Schedule::follow_next(const std::string& key) {
  if (Item* const item = find(key)) item->followed = 0;
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
