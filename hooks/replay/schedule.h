// Whose turn it is to be replayed. Without torch.
//
// Counted in sites, not in seconds: the same training must take the same course whenever it is run. A few sites a step
// until each has been measured once; then one now and then, since sensitivities move as training goes on. What was
// measured least comes first, then what most noise may be spent on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cinch::hooks {

class Schedule {
 public:
  static constexpr size_t kFirstSites = 2;    // a step
  static constexpr int64_t kLaterSteps = 25;  // between sites, once all are measured
  static constexpr int kMostMisses = 3;       // in a row, before a site is given up

  // Site `key` may be replayed. Known ones keep what was measured; their priority is renewed.
  void offer(const std::string& key, double priority);

  // Keys to replay in the step that begins.
  std::vector<std::string> next();

  void measured(const std::string& key);
  // It cannot be replayed, and is not tried again.
  void refused(const std::string& key);
  // Chosen, but nothing came of it this time (no memory, not saved). True when it is given up.
  bool missed(const std::string& key);

  // Every site has been measured `rounds` times, or cannot be. False while none was offered.
  bool complete(int64_t rounds = 1) const;

 private:
  struct Item {
    std::string key;
    double priority = 0;
    int64_t times = 0;
    int misses = 0;
    bool refused = false;
  };
  Item* find(const std::string& key);

  std::vector<Item> items_;
  int64_t steps_ = 0;  // since the last site
};

}  // namespace cinch::hooks
