// Damaged payloads: a CodecError or some values, never a crash, never a byte outside the output.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "cinch/error.h"
#include "src/codec/stage/header.h"
#include "tests/contract/rows.h"

namespace cinch::testing {
namespace {

class Damage : public ::testing::TestWithParam<ContractRow> {
 protected:
  void SetUp() override {
    data_.emplace(GetParam().data(kNumel, 1));
    payload_ = encode(*codec_, {data_->data(), kNumel, GetParam().dtype}, GetParam().side(kNumel));
    ASSERT_TRUE(payload_.has_value());
  }
  // Decodes a copy of exactly these bytes, so that a sanitizer sees every byte too many. True: refused.
  bool refused(std::span<const std::byte> bytes) const {
    const std::unique_ptr<std::byte, void (*)(void*)> copy(
        static_cast<std::byte*>(std::aligned_alloc(64, (bytes.size() + 64) / 64 * 64)), std::free);
    std::memcpy(copy.get(), bytes.data(), bytes.size());
    Buffer out(kNumel * dtype_bytes(GetParam().dtype));
    bool refused = false;
    try {
      codec_->decode({copy.get(), bytes.size()}, out.data(), kNumel, GetParam().dtype, {});
    } catch (const CodecError& e) {
      refused = true;
      EXPECT_GT(std::string(e.what()).size(), 20u);
    }
    EXPECT_TRUE(out.intact());
    return refused;
  }

  static constexpr int64_t kNumel = 600;
  std::shared_ptr<const Codec> codec_ = make_codec(GetParam().spec);
  std::optional<Buffer> data_, payload_;
};

TEST_P(Damage, EveryTruncationIsRefused) {
  EXPECT_FALSE(refused(payload_->span()));
  for (int64_t n = 0; n < payload_->size(); ++n) {
    EXPECT_TRUE(refused(payload_->span().first(static_cast<size_t>(n)))) << n << " of " << payload_->size() << " bytes";
  }
}

TEST_P(Damage, EveryFlippedBitOfTheHeaderIsRefused) {
  for (int64_t bit = 0; bit < 64 * 8; ++bit) {
    Buffer damaged(payload_->data(), payload_->size());
    damaged.data()[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    EXPECT_TRUE(refused(damaged.span())) << "bit " << bit;
  }
}

// Past the checksum, which is no protection against what was meant to pass it.
TEST_P(Damage, SealedHeadersWithFlippedBitsAreHarmless) {
  for (int64_t bit = 0; bit < 60 * 8; ++bit) {
    Buffer damaged(payload_->data(), payload_->size());
    damaged.data()[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    codec::Header header;
    std::memcpy(&header, damaged.data(), sizeof header);
    codec::write_header(header, damaged.span());
    refused(damaged.span());
  }
}

TEST_P(Damage, FlippedBitsOfTheBodyAreHarmless) {
  std::mt19937 random(3);
  for (int round = 0; round < 400; ++round) {
    Buffer damaged(payload_->data(), payload_->size());
    for (int k = 0; k <= round % 5; ++k) {
      const int64_t bit =
          64 * 8 +
          static_cast<int64_t>(random() % static_cast<uint32_t>(std::max<int64_t>(1, damaged.size() * 8 - 512)));
      if (bit / 8 < damaged.size()) damaged.data()[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    }
    refused(damaged.span());
  }
}

TEST_P(Damage, NoiseIsRefused) {
  std::mt19937 random(4);
  for (int round = 0; round < 200; ++round) {
    Buffer noise(payload_->size());
    for (int64_t i = 0; i < noise.size(); ++i) noise.data()[i] = static_cast<std::byte>(random());
    EXPECT_TRUE(refused(noise.span()));
  }
}

TEST_P(Damage, AnotherCodecsPayloadIsRefused) {
  for (const char* name :
       {"mask", "bits", "int", "group_quant", "lfc", "pool", "fixed_point", "cast", "dither", "error_bound"}) {
    if (GetParam().spec.name == name) continue;
    Buffer out(kNumel * 8);
    EXPECT_THROW(make_codec({name, {}})->decode(payload_->span(), out.data(), kNumel, GetParam().dtype, {}),
                 CodecError);
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, Damage, ::testing::ValuesIn(contract_rows()), row_name);

}  // namespace
}  // namespace cinch::testing
