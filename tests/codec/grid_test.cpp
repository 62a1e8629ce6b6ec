#include "src/codec/stage/grid.h"

#include <gtest/gtest.h>

#include "cinch/error.h"
#include "tests/codec/values.h"

namespace cinch::testing {
namespace {

std::string refusal(const Grid& grid, int64_t numel) {
  SideInfo side;
  side.grid = grid;
  try {
    codec::checked_grid("lfc", side, numel);
  } catch (const CodecError& e) {
    return e.what();
  }
  return "";
}

TEST(Grid, MustBeThatOfTheTensor) {
  EXPECT_EQ(refusal({6, {1, 4, 5}, 1, 3}, 120), "");
  EXPECT_EQ(refusal({6, {1, 4, 5}, 1, 3}, 121), "lfc: the grid 6 x (1 x 4 x 5) x 1 is not one of 121 values");
  EXPECT_EQ(refusal({6, {1, 4, 5}, 1, 4}, 120),
            "lfc: the grid 6 x (1 x 4 x 5) x 1: outer is no multiple of its 4 channels");
  EXPECT_EQ(refusal({6, {1, -4, 5}, 1, 1}, 120), "lfc: the grid 6 x (1 x -4 x 5) x 1 has a negative size");
  for (const Grid& g :
       {Grid{6, {1, 4, 5}, 1, 0}, Grid{0, {1, 4, 5}, 1, 1}, Grid{6, {0, 4, 5}, 1, 1},
        Grid{120, {1, 1, 1}, int64_t{1} << 31, 1},
        // Products that wrap to 120 in 64 bits.
        Grid{15, {int64_t{1} << 32, int64_t{1} << 32, 8}, 1, 1}, Grid{120, {INT64_MAX, INT64_MAX, 1}, 1, 1}})
    EXPECT_NE(refusal(g, 120), "") << g.outer;
  EXPECT_EQ(refusal({0, {1, 4, 5}, 1, 1}, 0), "");
  EXPECT_NE(refusal({2, {1, 4, 5}, 1, 1}, 0), "");
}

TEST(Grid, EveryMethodThatReadsItRefusesAWrongOne) {
  SideInfo side;
  side.grid = Grid{2, {1, 5, 5}, 1, 1};
  const Buffer data(49 * 4);
  for (const char* name : {"lfc", "pool", "fixed_point"}) {
    const auto codec = make_codec({name, {}});
    Buffer room(4096);
    EXPECT_THROW(codec->payload_bound(49, DType::kFloat32, side), CodecError);
    EXPECT_THROW(codec->estimate({}, 49, DType::kFloat32, side), CodecError);
    EXPECT_THROW(codec->encode({data.data(), 49, DType::kFloat32}, side, room.span(), {}), CodecError);
  }
}

TEST(Grid, ComesBackFromAHeader) {
  for (const SideInfo& side : odd_grids(2)) {
    codec::Header h;
    h.numel = values_in(side);
    codec::put_grid(*side.grid, h);
    const Grid g = codec::get_grid("lfc", h);
    EXPECT_EQ(g.outer, side.grid->outer);
    EXPECT_EQ(g.sides, side.grid->sides);
    EXPECT_EQ(g.inner, side.grid->inner);
    EXPECT_EQ(g.channels, side.grid->channels);
  }
}

// A header with a right checksum and lies in it: refused before anything behind the header is read.
TEST(Grid, LiesInAHeaderAreRefused) {
  SideInfo side;
  side.grid = Grid{6, {1, 4, 5}, 1, 3};
  for (const char* name : {"lfc", "pool", "fixed_point"}) {
    const auto codec = make_codec({name, {}});
    const Buffer data = floats(normal_values(120, 1, 0, 1), DType::kFloat32);
    const auto payload = encode(*codec, extent_of(data, DType::kFloat32), side);
    ASSERT_TRUE(payload.has_value());
    const auto lie = [&](int word, int64_t value) {
      Buffer damaged(*payload);
      codec::Header h;
      std::memcpy(&h, damaged.data(), sizeof h);
      h.words[word] = value;
      codec::write_header(h, damaged.span());
      EXPECT_THROW(decode(*codec, damaged, 120, DType::kFloat32), CodecError) << name << " " << word << " " << value;
    };
    for (int word = 0; word < 4; ++word)
      for (const int64_t value : {int64_t{0}, int64_t{-1}, int64_t{7}, INT64_MAX, INT64_MIN, int64_t{1} << 62})
        lie(word, value);
    lie(3, int64_t{4} << 32 | 1);  // channels that outer is no multiple of
    Buffer longer(payload->size() + 64);
    std::memcpy(longer.data(), payload->data(), static_cast<size_t>(payload->size()));
    codec::Header h;
    std::memcpy(&h, longer.data(), sizeof h);
    h.payload_bytes += 64;
    codec::write_header(h, longer.span());
    EXPECT_THROW(decode(*codec, longer, 120, DType::kFloat32), CodecError) << name;
  }
}

TEST(Grid, CursorsWalkInMemoryOrder) {
  for (const SideInfo& side : odd_grids(3)) {
    const Grid& g = *side.grid;
    const codec::Blocks b = codec::blocks_of(g, 4);
    const int64_t n = values_in(side);
    for (const int64_t start : {int64_t{0}, n / 3}) {
      codec::BlockCursor at(g, b, start);
      codec::MapCursor maps(g, start);
      for (int64_t e = start; e < n;) {
        const int64_t length = std::min<int64_t>(at.run(), std::min<int64_t>(5, n - e));
        for (int64_t k = 0; k < length; ++k) {
          const Place p = place_of(g, e + k);
          const int64_t block =
              p.slab * codec::slab_averages(g, b) + codec::row_averages(g, b, p.d, p.h) + p.w / 4 * g.inner + p.i;
          ASSERT_EQ(g.inner == 1 ? at.average() + (4 - at.left() + k) / 4 : at.average() + k, block);
        }
        maps.runs(length, [&](int64_t offset, int64_t count, int64_t slab, int64_t i) {
          for (int64_t k = 0; k < count; ++k) {
            const Place p = place_of(g, e + offset + k);
            EXPECT_EQ(slab * g.inner + i + (g.inner == 1 ? 0 : k), p.map);
          }
        });
        at.advance(length);
        e += length;
      }
    }
  }
}

TEST(Grid, CursorsWalkByPositionsThatShareTheirAverages) {
  for (const SideInfo& side : odd_grids(3)) {
    const Grid& g = *side.grid;
    if (g.inner == 1) continue;
    const codec::Blocks b = codec::blocks_of(g, 4);
    const int64_t n = values_in(side), inside = g.inner + g.inner / 2;
    codec::BlockCursor within(g, b, inside);
    EXPECT_EQ(within.positions(), 0);
    within.advance(g.inner - g.inner / 2);
    codec::BlockCursor at(g, b, 2 * g.inner);
    EXPECT_EQ(within.average(), at.average());
    codec::MapCursor maps(g, 2 * g.inner);
    for (int64_t e = 2 * g.inner; e < n;) {
      const Place first = place_of(g, e);
      const int64_t all = at.positions(), positions = std::min<int64_t>(all, e % 3 + 1);
      ASSERT_GT(positions, 0);
      EXPECT_EQ(place_of(g, e + all * g.inner - 1).w / 4, first.w / 4);
      EXPECT_EQ(place_of(g, e + all * g.inner - 1).h, first.h);
      EXPECT_EQ(at.average(), first.slab * codec::slab_averages(g, b) + codec::row_averages(g, b, first.d, first.h) +
                                  first.w / 4 * g.inner);
      EXPECT_EQ(maps.slab, first.slab);
      at.advance_positions(positions);
      maps.advance_positions(positions);
      e += positions * g.inner;
    }
  }
}

}  // namespace
}  // namespace cinch::testing
