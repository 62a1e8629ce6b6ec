// Other compressors beside ours: bounds kept, bits kept, or a sentence why they are not there.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "bench/peers/peer.h"

namespace cinch::bench {
namespace {

// A smooth map and a long tail, as activations have.
std::vector<float> wave(int64_t n) {
  std::vector<float> values;
  for (int64_t i = 0; i < n; ++i) {
    const auto x = static_cast<double>(i % 32), y = static_cast<double>(i / 32 % 32);
    values.push_back(static_cast<float>(std::sin(x / 5) * std::cos(y / 7) + (i % 977 == 0 ? 20 : 0)));
  }
  return values;
}

TEST(Peers, ZfpKeepsItsToleranceOnEveryGrid) {
  const std::vector<float> values = wave(48 * 1024);
  if (!make_zfp(values, {}, 0.1)) GTEST_SKIP() << missing_peers();
  for (const std::optional<Grid>& grid :
       {std::optional<Grid>(), std::optional(Grid{48, {1, 32, 32}, 1, 16}), std::optional(Grid{1, {1, 1, 1024}, 48, 1}),
        std::optional(Grid{3, {1, 1, 512}, 32, 1})}) {
    for (const double tolerance : {0.3, 0.01}) {
      const auto zfp = make_zfp(values, grid, tolerance);
      const CodecTiming t = time_peer(*zfp, values, 1);
      EXPECT_TRUE(t.verified) << t.codec;
      EXPECT_LE(t.max_error, tolerance) << t.codec;
      EXPECT_GT(t.max_error, 0) << t.codec;
      EXPECT_LT(t.coded_bytes, t.raw_bytes / 2) << t.codec;
      EXPECT_GT(t.one_thread.encode_gbps, 0);
      EXPECT_GT(t.memcpy_gbps, 0);
      EXPECT_EQ(zfp->spec().at("name"), "zfp");
      EXPECT_LE(zfp->spec().at("dimensions").get<int>(), grid ? 3 : 1);
    }
  }
}

TEST(Peers, BloscGetsEveryBitBack) {
  std::vector<float> values = wave(48 * 1024);
  values[7] = -0.0f;
  values[9] = std::nanf("3");
  const auto blosc = make_blosc(static_cast<int64_t>(values.size()));
  if (!blosc) GTEST_SKIP() << missing_peers();
  const CodecTiming t = time_peer(*blosc, values, 1);
  EXPECT_TRUE(t.verified);
  EXPECT_TRUE(blosc->lossless());
  EXPECT_LT(t.coded_bytes, t.raw_bytes);
  EXPECT_EQ(blosc->spec().at("codec"), "lz4");
}

TEST(Peers, ThoseThatAreMissingAreNamed) {
  const float value = 1;
  EXPECT_EQ(missing_peers().find("libzfp") == std::string::npos, make_zfp({&value, 1}, {}, 1) != nullptr);
  EXPECT_EQ(missing_peers().find("libblosc") == std::string::npos, make_blosc(1) != nullptr);
}

}  // namespace
}  // namespace cinch::bench
