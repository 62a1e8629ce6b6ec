// What a warp does to fit error_bound to a tensor: zeros, integers and letters of the pieces that a sample looks at. A
// unit of work is a group of a piece.
#pragma once

#include "src/codec/entropy_coded/bound_rules.h"
#include "src/codec/entropy_coded/warp_levels.h"
#include "src/codec/entropy_coded/warp_sample.h"

namespace cinch::codec {

template <class T>
struct BoundJob : FitJob<T> {
  BoundAim aim;
  Grid grid;
  PieceSample pieces;
};

template <class T>
BoundJob<T> bound_job(const T* in, const Slots& slots, DType dtype, const BoundAim& aim, const Grid& grid, uint64_t key,
                      std::byte* payload) {
  return {fit_job(in, slots, dtype, 0.0, key, payload), aim, grid,
          PieceSample::of(slots.numel, Axes(grid), aim.predict != Predict::kNone)};
}

// Of one piece in each `stride`.
template <class T>
CINCH_DEVICE_FN int64_t sample_units(const BoundJob<T>& job, int64_t stride) {
  return (job.pieces.pieces + stride - 1) / stride * (job.pieces.counted / kLetterGroup);
}

namespace detail {

// A unit: its piece as a row, and where in that the group begins, which may be behind the last value.
template <class T>
struct SampleUnit {
  LevelRow<T> row;
  uint32_t first;

  static CINCH_DEVICE_FN SampleUnit of(const BoundJob<T>& job, const BoundQuantiser& q, int64_t stride, int64_t unit) {
    // Fewer than 2^32 units, of tensors of up to 2^45 values.
    const auto each = static_cast<uint32_t>(job.pieces.counted / kLetterGroup), number = static_cast<uint32_t>(unit);
    const uint32_t which = number / each, group = number - which * each;
    const PieceSample::Piece piece = job.pieces.piece(which * stride);
    return {{job.in + piece.begin, static_cast<uint32_t>(piece.count), LevelSteps::of(levels_at(q, piece.begin)),
             ChunkAxes::of(job.grid, piece.begin), q.lorenzo},
            static_cast<uint32_t>(piece.skipped) + group * static_cast<uint32_t>(kLetterGroup)};
  }
};

}  // namespace detail

// Adds the exact zeros of units from `begin` on, every `step`.
template <class T, class W>
CINCH_DEVICE_FN void count_zeros_of_warp(const W& w, const BoundJob<T>& job, int64_t begin, int64_t step,
                                         uint32_t* zeros) {
  const int64_t units = sample_units(job, job.pieces.few);
  typename W::template Var<uint32_t> own;
  w.each([&](int lane) { own[lane] = 0; });
  for (int64_t unit = begin; unit < units; unit += step) {
    const auto u = detail::SampleUnit<T>::of(job, BoundQuantiser{}, job.pieces.few, unit);
    w.each([&](int lane) {
      CINCH_UNROLL
      for (uint32_t i = 0; i < kLetterGroup; i += kLanes) {
        const uint32_t at = u.first + i + static_cast<uint32_t>(lane);
        if (at < u.row.count) own[lane] += to_float(u.row.in[at]) == 0.0f ? 1 : 0;
      }
    });
  }
  w.count(zeros, w.last(w.sum_up_to(own)));
}

// Counts of a choice: integers without neighbours, then with them, and values that no level holds.
constexpr int kIntegers = static_cast<int>(2 * kReach);
struct IntegerCounts {
  uint32_t all[2 * kIntegers];
  uint32_t missed;
};

// Whether the aim has a use for the counts without, and with neighbours.
constexpr bool counts_plain(const BoundAim& aim) noexcept { return aim.predict != Predict::kLorenzo; }
constexpr bool counts_lorenzo(const BoundAim& aim) noexcept { return aim.predict != Predict::kNone; }

template <class T, class W>
CINCH_DEVICE_FN void count_integers_of_warp(const W& w, const BoundJob<T>& job, const BoundQuantiser& q, int64_t begin,
                                            int64_t step, IntegerCounts* counts) {
  const int64_t units = sample_units(job, job.pieces.few);
  typename W::template Var<uint32_t> missed;
  w.each([&](int lane) { missed[lane] = 0; });
  const auto place = [](int32_t integer) {
    const auto wrapped = static_cast<int16_t>(integer);
    const int32_t most = static_cast<int32_t>(kReach);
    return (wrapped < -most ? -most : wrapped < most ? wrapped : most - 1) + most;
  };
  for (int64_t unit = begin; unit < units; unit += step) {
    const auto u = detail::SampleUnit<T>::of(job, q, job.pieces.few, unit);
    w.each([&](int lane) {
      CINCH_ROLLED
      for (uint32_t i = 0; i < kLetterGroup; i += kLanes) {
        const uint32_t at = u.first + i + static_cast<uint32_t>(lane);
        if (at >= u.row.count) continue;
        const Level level = u.row.level(at);
        missed[lane] += level.held ? 0 : 1;
        if (counts_plain(job.aim)) W::add_to(counts->all + place(level.number), 1);
        if (counts_lorenzo(job.aim)) W::add_to(counts->all + kIntegers + place(u.row.difference(at, level.number)), 1);
      }
    });
  }
  w.count(&counts->missed, w.last(w.sum_up_to(missed)));
}

// Adds the letters of all pieces to the counts.
template <bool kPaired, class T, class W>
CINCH_DEVICE_FN void count_bound_letters_of_warp(const W& w, const BoundJob<T>& job, const BoundQuantiser& q,
                                                 int64_t begin, int64_t step, uint32_t* counts) {
  using Lanes = LetterLanes<kPaired>;
  const int64_t units = sample_units(job, 1);
  for (int64_t unit = begin; unit < units; unit += step) {
    const auto u = detail::SampleUnit<T>::of(job, q, 1, unit);
    if (u.first >= u.row.count) continue;
    w.each([&](int lane) {
      CINCH_ROLLED
      for (int half = 0; half < Lanes::kHalves; ++half) {
        bool missed = false;
        const uint32_t letters = letters_of_row<kPaired>(u.row, q.alphabet, u.first, lane, half, missed);
        CINCH_UNROLL
        for (int i = 0; i < kRun; ++i) W::add_to(counts + (letters >> (8 * i) & 0xffu), 1);
      }
    });
  }
}

}  // namespace cinch::codec
