/// A move that is worth considering, in an order that does not depend on how it was found.
#pragma once

#include <cstdint>

namespace cinch::planner {

// Bytes gained per price. What costs nothing comes first, by bytes; ties go to the item and candidate that come first.
struct Offer {
  bool free = false;
  double gain = 0;  // bytes if free, else bytes per price
  int32_t item = -1, candidate = -1;

  bool better_than(const Offer& other) const {
    if (free != other.free) return free;
    if (gain != other.gain) return gain > other.gain;
    if (item != other.item) return item < other.item;
    return candidate < other.candidate;
  }
  bool operator<(const Offer& other) const { return other.better_than(*this); }
};

inline Offer make_offer(double bytes, double price, int32_t item, int32_t candidate) {
  if (price <= 0) return {true, bytes, item, candidate};
  return {false, bytes / price, item, candidate};
}

}  // namespace cinch::planner
