/// Bytes in use at every instant for a choice of options. One definition for solver, floor and plan check:
///
/// timeline[i].bytes is the highest number of bytes within instant i with every payload raw; the raw_bytes r of a
/// living payload are inside it. An option of c charged bytes other than `keep` changes, from exclusive_at on:
///   t == exclusive_at            +c             it is being encoded: raw and coded form are both alive
///   exclusive_at < t < freed_at  +c - r         outside of uses
///   begin <= t <= end of a use   +c - r + d     as many d as uses overlap there
///   t >= freed_at within a use   +c, and buffers beyond the one that takes the place of the r still counted there
/// d is the buffer of full size (r bytes) that decode fills for the backward; `shape` needs none.
/// exclusive_at == -1, or not before freed_at: the user holds the tensor as long as autograd does, and coding frees
/// nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "cinch/profile.h"

namespace cinch::planner {

/// Over instants [begin, end) a coded payload changes the bytes in use by its charged bytes + add.
struct Piece {
  int32_t begin = 0, end = 0;
  int64_t add = 0;
};

/// Whether coding this payload can free anything.
bool can_be_coded(const PayloadProfile& payload) noexcept;
/// `keep`: the tensor itself stays.
bool is_kept(const Option& option) noexcept;
/// Whether decoding this option fills a buffer of full size.
bool has_decode_buffer(const Option& option) noexcept;

/// Where and how a coded form of this payload counts; adjacent, in order, not empty pieces. Needs can_be_coded.
std::vector<Piece> coded_pieces(const PayloadProfile& payload, bool decode_buffer);

/// Bytes in use at each instant when payload i is kept as options[choice[i]].
std::vector<int64_t> simulate(const Profile& profile, const std::vector<int32_t>& choice);
/// Bytes of payloads alone at each instant: raw up to exclusive_at, charged after it.
std::vector<int64_t> simulate_payloads(const Profile& profile, const std::vector<int32_t>& choice);
/// Bytes in use at each instant with payloads of zero bytes. A lower bound of simulate() for every choice.
std::vector<int64_t> simulate_floor(const Profile& profile);

}  // namespace cinch::planner
