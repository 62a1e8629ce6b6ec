/// What a profile would show at another batch size.
///
/// Every number of bytes (a payload, each of its forms, the rest of an instant) is a line over the batch. Several
/// profiles of different batch sizes give the lines: between two neighbours straight, beyond them through the smallest
/// and the largest. One profile gives one point of each, and the other end is chosen on the safe side:
///
///   a batch    payloads that grow or shrink with it          the rest of an instant
///   larger     all whose number of values is a multiple of   all but what is there at every instant, as far as
///              the batch                                     parameters and optimizer explain it: these stay
///   smaller    those whose leading size is a multiple of     all but parameters, gradients and optimizer: these stay
///              it at every site
///
/// Bytes are rounded up to what allocators hand out. For every choice of forms bytes never fall as the batch grows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cinch/profile.h"

namespace cinch::planner {

class BatchModel {
 public:
  /// Throws Error where a profile is damaged or does not know its batch, or two do not show the same program at
  /// different batch sizes. The profiles must outlive this.
  explicit BatchModel(std::span<const Profile> profiles);

  /// The profile of the largest batch.
  const Profile& largest() const { return *profiles_.back(); }
  /// A sound profile with the options that all profiles have, in the order of the first; nothing where its bytes would
  /// be too many to count. Throws Error where the batch is less than 1.
  std::optional<Profile> at(int64_t batch) const;

 private:
  struct Knot {
    int64_t batch = 0, bytes = 0;
  };
  /// What a quantity is at `batch`; knots in order of batches. `grows` tells for a single profile whether it depends on
  /// the batch at all.
  static int64_t line(std::vector<Knot> knots, int64_t batch);
  template <typename Of>
  int64_t bytes_at(int64_t batch, bool grows, bool blocks, Of of) const;
  int64_t rest_at(int64_t batch, size_t instant) const;
  bool grows(const PayloadProfile& payload, int64_t batch) const;
  size_t nearest(int64_t batch) const;
  PayloadProfile payload_at(int64_t batch, size_t index) const;

  std::vector<const Profile*> profiles_;                   ///< by batch
  std::vector<std::vector<int64_t>> rest_;                 ///< of each profile and instant: bytes that are no payload's
  std::vector<std::vector<std::vector<size_t>>> options_;  ///< of each payload and common option: its index by profile
  int64_t always_there_ = 0;  ///< of a single profile: what of the rest stays when the batch grows
};

}  // namespace cinch::planner
