// Whose turn it is to be replayed. Without torch.
//
// Counted in sites and steps, not in seconds: the same training must take the same course whenever it is run. Two sites
// a step, followed through the graph, until each has been measured once. Then some steps measure several sites, the
// others none: each site again after a quarter of the steps that have passed, since sensitivities move fast when
// training begins and slowly later. Each is followed again after three times as many: what amplifies errors moves as
// well, but following costs more. What was measured before, but not followed by this run, has its turn as if it had not
// been. What was measured longest ago comes first, then what most noise may be spent on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cinch::hooks {

class Schedule {
 public:
  static constexpr size_t kFirstSites = 2;    // a step
  static constexpr int64_t kLeastRound = 16;  // steps in which later all sites have a turn, at first
  static constexpr int64_t kRoundShare = 4;   // steps that have passed, for each step of a round
  static constexpr int64_t kLeastSteps = 8;   // between steps that measure
  static constexpr double kLeastSites = 4;    // that one of them measures, where there are so many
  static constexpr size_t kFollows = 6;       // of them, at most
  static constexpr int64_t kFollowAgain = 3;  // steps that have passed, for each that had when it was followed last
  static constexpr int kMostMisses = 3;       // in a row, before a site is left alone

  // No site is to be replayed until it is offered again. What was measured stays known.
  void withdraw();

  // Site `key` may be replayed. Known ones keep what was measured; their priority is renewed.
  void offer(const std::string& key, double priority);

  // It was measured so often before.
  void resume(const std::string& key, int64_t times);

  // The step that begins is to measure.
  bool due() const;

  struct Turn {
    std::string key;
    bool follow = false;  // through the graph, otherwise the node alone
    friend bool operator==(const Turn&, const Turn&) = default;
  };
  // What to replay in the step that begins; empty unless it is due.
  std::vector<Turn> next();

  void measured(const std::string& key, bool followed);
  // Measured alone it said nothing; it is to be followed first.
  void follow_next(const std::string& key);
  // It cannot be replayed, and is not tried again.
  void refused(const std::string& key);
  // Chosen, but nothing came of it this time (no memory, not saved). True when it is left alone for that, until it is
  // offered again: under another plan there may be room.
  bool missed(const std::string& key);

  // Every site has been measured `rounds` times, or cannot be now. False before any was offered.
  bool complete(int64_t rounds = 1) const;

 private:
  struct Item {
    std::string key;
    double priority = 0;
    int64_t times = 0, last = 0;  // measured; the step in which it was tried
    int64_t followed = 0;         // the step; 0: never
    int misses = 0;
    bool offered = true, refused = false;
    bool may_be_tried() const { return offered && !refused && misses < kMostMisses; }
  };
  Item* find(const std::string& key);
  // Some site has not been followed yet.
  bool first() const;
  std::vector<Item*> to_be_tried();

  std::vector<Item> items_;
  int64_t steps_ = 0, measured_ = 0;  // that have passed; the last one that measured
  double owed_ = 0;                   // sites
};

}  // namespace cinch::hooks
