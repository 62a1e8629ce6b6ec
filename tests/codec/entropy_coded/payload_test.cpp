// What entropy-coded payloads share.
#include "src/codec/entropy_coded/payload.h"

#include <gtest/gtest.h>

#include <array>

namespace cinch::codec {
namespace {

TEST(Packer, DeclinesWhatEndsOfChunksCannotSay) {
  std::array<std::byte, 64> memory;
  std::array<uint32_t, 2> ends{};
  // More room than is there: nothing may be written to it. Volatile, or compilers see that it would be too much.
  const volatile int64_t too_many = kMostChunkBytes + kChunkAlignment;
  Packer packer({memory.data(), size_t{1} << 40}, ends.data());
  packer.put(0, memory.data(), too_many);
  EXPECT_TRUE(packer.full());
  EXPECT_EQ(ends[0], 0u);
}

TEST(Packer, IsFullWhereAChunkDoesNotFit) {
  std::array<std::byte, 64> memory{};
  std::array<uint32_t, 3> ends{};
  const std::array<std::byte, 40> chunk{std::byte{7}};
  Packer packer(memory, ends.data());
  packer.put(0, chunk.data(), 40);
  EXPECT_FALSE(packer.full());
  EXPECT_EQ(ends[0], 10u);
  EXPECT_EQ(memory[0], std::byte{7});
  packer.put(1, chunk.data(), 40);
  EXPECT_TRUE(packer.full());
}

}  // namespace
}  // namespace cinch::codec
