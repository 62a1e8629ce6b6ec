// Whose turn it is to be replayed. Without torch.
//
// Counted in sites and steps, not in seconds: the same training must take the same course whenever it is run. Two sites
// a step until each has been measured once; then ever more seldom, one in so many steps as are a fiftieth of those that
// have passed, since sensitivities move fast when training begins and slowly later. What was measured least comes
// first, then what most noise may be spent on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cinch::hooks {

class Schedule {
 public:
  static constexpr size_t kFirstSites = 2;    // a step
  static constexpr int64_t kLaterShare = 50;  // steps that have passed, for each step between sites
  static constexpr int kMostMisses = 3;       // in a row, before a site is left alone

  // Site `key` may be replayed. Known ones keep what was measured; their priority is renewed.
  void offer(const std::string& key, double priority);

  // It was measured so often before.
  void resume(const std::string& key, int64_t times);

  // Keys to replay in the step that begins.
  std::vector<std::string> next();

  void measured(const std::string& key);
  // It cannot be replayed, and is not tried again.
  void refused(const std::string& key);
  // Chosen, but nothing came of it this time (no memory, not saved). True when it is left alone for that, until it is
  // offered again: under another plan there may be room.
  bool missed(const std::string& key);

  // Every site has been measured `rounds` times, or cannot be now. False while none was offered.
  bool complete(int64_t rounds = 1) const;

 private:
  struct Item {
    std::string key;
    double priority = 0;
    int64_t times = 0;
    int misses = 0;
    bool refused = false;
    bool may_be_tried() const { return !refused && misses < kMostMisses; }
  };
  Item* find(const std::string& key);

  std::vector<Item> items_;
  int64_t steps_ = 0, next_ = 0;  // that have passed; when the next site is due
};

}  // namespace cinch::hooks
