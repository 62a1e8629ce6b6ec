// Quality of the generator. Fixed seeds, so that no run differs from another; the stated rates are those over all
// seeds. z is a sum of independent +-1, divided by its sigma: |z| > 6.5 has probability 8e-11.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <vector>

#include "src/codec/stage/rng.h"

namespace cinch::codec {
namespace {

constexpr double kMostSigma = 6.5;
constexpr int kDraws = 1 << 20;

// All draws in the order in which elements use them: 128 a group, 16 columns before the next pair of rows.
uint32_t nth(uint64_t key, int64_t i) {
  return draw(group_key(key, i / 128), static_cast<uint32_t>(i % 16), static_cast<uint32_t>(i / 16 % 8));
}
const uint64_t kKey = rng_key(1, 2, 3, 4);

// 32 bits: a false alarm in 3e-9 of all keys.
TEST(Rng, EveryBitIsFair) {
  for (const uint64_t key : {kKey, rng_key(0, 0, 0, 0)}) {
    std::array<int64_t, 32> ones{};
    for (int i = 0; i < kDraws; ++i) {
      const uint32_t x = nth(key, i);
      for (size_t b = 0; b < 32; ++b) ones[b] += x >> b & 1u;
    }
    for (size_t b = 0; b < 32; ++b) {
      const double z = (2.0 * static_cast<double>(ones[b]) - kDraws) / std::sqrt(static_cast<double>(kDraws));
      EXPECT_LT(std::fabs(z), kMostSigma) << "bit " << b;
    }
  }
}

// 1024 pairs of bits: 8e-8.
TEST(Rng, BitsOfNeighboursAreIndependent) {
  const std::vector<std::pair<const char*, std::function<uint32_t(int)>>> neighbours{
      {"next column", [](int i) { return nth(kKey, i + 1); }},
      {"next pair of rows", [](int i) { return nth(kKey, i + 16); }},
      {"two pairs of rows on", [](int i) { return nth(kKey, i + 32); }},
      {"next group", [](int i) { return nth(kKey, i + 128); }},
      {"next seed", [](int i) { return nth(rng_key(2, 2, 3, 4), i); }},
      {"next step", [](int i) { return nth(rng_key(1, 3, 3, 4), i); }},
      {"next site", [](int i) { return nth(rng_key(1, 2, 4, 4), i); }},
      {"next salt", [](int i) { return nth(rng_key(1, 2, 3, 5), i); }},
      {"step and site swapped", [](int i) { return nth(rng_key(1, 3, 2, 4), i); }},
  };
  const int draws = kDraws / 16;
  for (const auto& [name, other] : neighbours) {
    std::array<std::array<int32_t, 32>, 32> equal{};
    for (int i = 0; i < draws; ++i) {
      const uint32_t a = nth(kKey, i), b = other(i);
      for (uint32_t shift = 0; shift < 32; ++shift) {
        const uint32_t same = ~(a ^ (shift == 0 ? b : (b << shift | b >> (32 - shift))));
        for (uint32_t bit = 0; bit < 32; ++bit) equal[shift][bit] += static_cast<int32_t>(same >> bit & 1u);
      }
    }
    for (uint32_t shift = 0; shift < 32; ++shift) {
      for (uint32_t bit = 0; bit < 32; ++bit) {
        const double z = (2.0 * equal[shift][bit] - draws) / std::sqrt(static_cast<double>(draws));
        EXPECT_LT(std::fabs(z), kMostSigma) << name << ", bits " << bit << " and " << (bit + 32 - shift) % 32;
      }
    }
  }
}

// Chi-square, compared at 6.5 sigma of its normal form (Wilson and Hilferty): 4e-11 one-sided.
double chi_square_sigma(const std::vector<int64_t>& counts, double total) {
  const double n = static_cast<double>(counts.size()), expected = total / n, freedom = n - 1;
  double chi = 0;
  for (const int64_t c : counts)
    chi += (static_cast<double>(c) - expected) * (static_cast<double>(c) - expected) / expected;
  return (std::cbrt(chi / freedom) - (1 - 2 / (9 * freedom))) / std::sqrt(2 / (9 * freedom));
}

TEST(Rng, BothHalvesAreUniform) {
  for (const int half : {0, 16}) {
    for (const int shift : {0, 8}) {
      std::vector<int64_t> counts(256);
      for (int i = 0; i < kDraws; ++i) ++counts[nth(kKey, i) >> (half + shift) & 255u];
      EXPECT_LT(std::fabs(chi_square_sigma(counts, kDraws)), kMostSigma) << "bits from " << half + shift;
    }
  }
}

// Both halves against both halves, 64 x 64 cells, at every distance within a column and to the next column and group;
// once the upper and once the lower bits of the 14 that 2-bit codes use. 74 comparisons: 6e-9.
TEST(Rng, PairsOfUniformsFillTheSquare) {
  std::vector<uint32_t> draws(kDraws + 128);
  for (size_t i = 0; i < draws.size(); ++i) draws[i] = nth(kKey, static_cast<int64_t>(i));
  for (const size_t distance : {0, 1, 16, 32, 48, 64, 80, 96, 112, 128}) {
    for (const uint32_t halves : {0u, 1u, 2u, 3u}) {
      if (distance == 0 && halves != 1) continue;
      for (const uint32_t shift : {8u, 2u}) {
        const uint32_t first = shift + 16 * (halves & 1), second = shift + 16 * (halves >> 1);
        std::vector<int64_t> counts(64 * 64);
        for (size_t i = 0; i < kDraws; ++i)
          ++counts[(draws[i] >> first & 63u) * 64 + (draws[i + distance] >> second & 63u)];
        EXPECT_LT(std::fabs(chi_square_sigma(counts, kDraws)), kMostSigma)
            << "distance " << distance << ", bits from " << first << " and " << second;
      }
    }
  }
}

// Small or structured seeds, steps and sites must not make structured keys: all distinct, and half of the bits differ.
TEST(Rng, KeysOfSimilarCallsHaveNothingInCommon) {
  double different = 0;
  int pairs = 0;
  for (uint64_t seed = 0; seed < 16; ++seed) {
    for (uint64_t step = 0; step < 16; ++step) {
      for (uint64_t site = 0; site < 16; ++site) {
        const uint64_t key = rng_key(seed, step, site, 1);
        for (const uint64_t other :
             {rng_key(seed + 1, step, site, 1), rng_key(seed, step + 1, site, 1), rng_key(seed, step, site + 1, 1),
              rng_key(seed, step, site, 2), rng_key(step, seed, site, 1)}) {
          if (seed == step && other == key) continue;  // the last one, unchanged
          different += __builtin_popcountll(key ^ other);
          ++pairs;
          EXPECT_NE(key, other);
        }
      }
    }
  }
  const double z = (different - 32.0 * pairs) / std::sqrt(16.0 * pairs);
  EXPECT_LT(std::fabs(z), kMostSigma);
}

}  // namespace
}  // namespace cinch::codec
