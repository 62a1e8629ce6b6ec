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

std::vector<std::string> Schedule::next() {
  const bool first = !complete();
  if (++steps_ < next_ && !first) return {};
  next_ = steps_ + std::max<int64_t>(1, steps_ / kLaterShare);
  std::vector<const Item*> order;
  for (const Item& item : items_)
    if (item.may_be_tried()) order.push_back(&item);
  std::ranges::stable_sort(order, [](const Item* a, const Item* b) {
    return a->times != b->times ? a->times < b->times : a->priority > b->priority;
  });
  order.resize(std::min(order.size(), first ? kFirstSites : size_t{1}));
  std::vector<std::string> keys;
  for (const Item* item : order) keys.push_back(item->key);
  return keys;
}

void Schedule::measured(const std::string& key) {
  if (Item* item = find(key)) {
    ++item->times;
    item->misses = 0;
  }
}

void Schedule::refused(const std::string& key) {
  if (Item* item = find(key)) item->refused = true;
}

bool Schedule::missed(const std::string& key) {
  Item* const item = find(key);
  return item != nullptr && ++item->misses >= kMostMisses;
}

bool Schedule::complete(int64_t rounds) const {
  return !items_.empty() &&
         std::ranges::all_of(items_, [&](const Item& item) { return !item.may_be_tried() || item.times >= rounds; });
}

}  // namespace cinch::hooks
