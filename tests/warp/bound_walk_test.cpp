// The kernels of error_bound, and of dither where neighbours predict, walked through on the CPU: chunk by chunk the
// bytes of the CPU codec, and its values.
#include "tests/warp/bound_walk.h"

#include <cmath>

#include "tests/codec/entropy_coded/error_bound_support.h"
#include "tests/warp/bound_walk_cases.h"
#include "tests/warp/walk_grids.h"

namespace cinch::testing {
namespace {

using namespace cinch::codec;

TEST(BoundWalk, HasTheBytesOfTheCpuAndItsValues) {
  for (const DType dtype : kDTypes)
    for (const BoundCase& c : {BoundCase{0.01, BoundUnit::kRange, Predict::kNone},
                               {0.001, BoundUnit::kRange},
                               {0.1, BoundUnit::kAbsolute, Predict::kLorenzo},
                               {0.6, BoundUnit::kAbsolute},
                               {0.5, BoundUnit::kDeviation, Predict::kAuto, true}})
      for (const bool relu : {false, true})
        for (const int64_t n : {1, 7, 64, 255, 256, 257, 1000, 4099, 32'768, 32'769, 100'003}) {
          SCOPED_TRACE(c.text() + ", " + std::to_string(n) + " values, " + std::string(to_string(dtype)));
          const Buffer data = activations(n, static_cast<uint32_t>(n), dtype, relu);
          EXPECT_EQ(expect_bound_walks({data.data(), n, dtype}, {}, c), 0);
          if (::testing::Test::HasFailure()) return;
        }
}

TEST(BoundWalk, NeighboursAlongEverySideOfGrids) {
  for (const DType dtype : kDTypes)
    for (const Grid& grid : walk_grids())
      for (const bool dithered : {false, true}) {
        const int64_t n = grid.outer * slab_values(grid);
        SCOPED_TRACE(std::to_string(grid.outer) + " x " + std::to_string(grid.sides[0]) + " x " +
                     std::to_string(grid.sides[1]) + " x " + std::to_string(grid.sides[2]) + " x " +
                     std::to_string(grid.inner));
        std::vector<double> values = normal(n, 0.3);
        // Smooth along the innermost sides.
        for (size_t i = 1; i < values.size(); ++i) values[i] = 0.9 * values[i - 1] + 0.2 * values[i];
        const Buffer data = floats(values, dtype);
        SideInfo side;
        side.grid = grid;
        const BoundCase c = dithered ? BoundCase{0.3, BoundUnit::kDeviation, Predict::kAuto, true}
                                     : BoundCase{0.02, BoundUnit::kRange, Predict::kLorenzo};
        EXPECT_EQ(expect_bound_walks({data.data(), n, dtype}, side, c), 0);
        if (::testing::Test::HasFailure()) return;
      }
}

TEST(BoundWalk, ManyBlocksFitAsOneDoes) {
  for (const DType dtype : kDTypes) {
    const std::vector<double> values = smooth(9, 224);
    const auto n = static_cast<int64_t>(values.size());
    const Buffer data = floats(values, dtype);
    for (BoundCase c : {BoundCase{0.01, BoundUnit::kRange},
                        {0.05, BoundUnit::kAbsolute, Predict::kNone},
                        {0.5, BoundUnit::kDeviation, Predict::kAuto, true}}) {
      c.spread = true;
      EXPECT_EQ(expect_bound_walks({data.data(), n, dtype}, maps_of(9, 224), c), 0);
      const int64_t rows = 56 * 56 * 64;
      SideInfo side;
      side.grid = Grid{n / rows, {1, 56, 56}, 64, 1};
      EXPECT_EQ(expect_bound_walks({data.data(), n / rows * rows, dtype}, side, c), 0);
    }
  }
}

// Values that no level and no symbol holds, tensors not aligned to runs, chunks that are stored as they are.
TEST(BoundWalk, MissedValuesLiteralsAndVerbatimChunks) {
  const int64_t n = 32'768 * 3 + 777;
  for (const DType dtype : kDTypes)
    for (const int kind : {0, 1, 2, 3, 4, 5})
      for (const int64_t shift : {0, 1}) {
        std::vector<double> values = normal(n);
        for (size_t i = 0; i < values.size(); ++i) {
          double& x = values[i];
          if (kind == 1) x = std::tan(3.14159 * (std::fmod(static_cast<double>(i) * 0.6180339887, 1.0) - 0.5));
          if (kind == 2 && i % 1000 == 7) x = 1e3;
          if (kind == 2 && i % 777 == 3) x = i % 2 == 0 ? kInfinity : NAN;
          if (kind == 3 && i >= 32'768 && i < 65'536) x *= 1e4;  // nothing of this chunk has a symbol
          if (kind == 4) x = 100 + 0.01 * x;
          if (kind == 5 && i % 500 == 0) x = i % 1000 == 0 ? 0.0 : -0.0;  // few zeros: each is a missed value
        }
        const Buffer plain = floats(values, dtype);
        const Buffer data(plain.data(), plain.size(), shift * dtype_bytes(dtype));
        for (BoundCase c : {BoundCase{0.01, BoundUnit::kAbsolute},
                            {0.3, BoundUnit::kAbsolute, Predict::kNone},
                            {0.1, BoundUnit::kDeviation, Predict::kAuto, true}}) {
          SCOPED_TRACE("kind " + std::to_string(kind) + ", " + c.text() + ", " + std::string(to_string(dtype)));
          c.spread = shift == 1;
          EXPECT_EQ(expect_bound_walks({data.data(), n, dtype}, {}, c), 0);
          if (::testing::Test::HasFailure()) return;
        }
      }
}

TEST(BoundWalk, ConstantsAndEmptyTensors) {
  for (const DType dtype : kDTypes)
    for (const double value : {0.0, -0.0, 3.5, -1e4})
      for (const int64_t n : {1, 300, 40'000}) {
        const Buffer data = floats(std::vector<double>(static_cast<size_t>(n), value), dtype);
        EXPECT_EQ(expect_bound_walks({data.data(), n, dtype}, {}, {0.01, BoundUnit::kRange}), 0);
      }
  const BoundCase c{0.01, BoundUnit::kRange};
  const Buffer payload =
      walk_bound_encode({nullptr, 0, DType::kFloat32}, {c.aim(), Grid{0}, false, {0, 0, kBoundSides}}, bound_key());
  EXPECT_EQ(decode(*c.codec(), payload, 0, DType::kFloat32, kBoundContext).size(), 0);
}

// A missing sync() would show: what one thread writes and another one reads would be there or not.
TEST(BoundWalk, NothingDependsOnTheOrderOfThreads) {
  const std::vector<double> values = smooth(33, 56);
  const auto n = static_cast<int64_t>(values.size());
  for (const DType dtype : kDTypes)
    for (const BoundCase& c : {BoundCase{0.01, BoundUnit::kRange},
                               {0.02, BoundUnit::kRange, Predict::kNone},
                               {0.3, BoundUnit::kDeviation, Predict::kAuto, true}})
      for (const int64_t group_bytes : {int64_t{68}, int64_t{140}, kLetterGroup * dtype_bytes(dtype)})
        for (const bool spread : {false, true}) {
          Buffer data = floats(values, dtype);
          const Buffer strange = floats({1e3, NAN, -1e3, kInfinity}, dtype);
          std::memcpy(data.data() + 50'000 * dtype_bytes(dtype), strange.data(), static_cast<size_t>(strange.size()));
          const Extent in{data.data(), n, dtype};
          const BoundWalk walk{c.aim(), Grid{33, {1, 56, 56}, 1, 33}, spread, {n, group_bytes, kBoundSides}};
          const Buffer payload = walk_bound_encode(in, walk, bound_key()), out = walk_bound_decode(payload, n, dtype);
          backwards = true;
          const bool same = walk_bound_encode(in, walk, bound_key()) == payload;
          const bool same_values = walk_bound_decode(payload, n, dtype) == out;
          backwards = false;
          EXPECT_TRUE(same) << c.text() << ", " << group_bytes << " bytes a group";
          EXPECT_TRUE(same_values) << c.text() << ", " << group_bytes << " bytes a group";
        }
}

}  // namespace
}  // namespace cinch::testing
