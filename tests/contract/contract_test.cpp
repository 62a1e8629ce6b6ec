// The contract of include/cinch/codec.h, checked for every row of rows.cpp: data that a codec is made for.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "cinch/error.h"
#include "src/backend/cpu/streaming.h"
#include "tests/contract/rows.h"

namespace cinch::testing {
namespace {

// Around the widths of vectors (4, 8, 16), of words (64), of groups (256), and beyond one grain of threads.
const std::vector<int64_t> kLengths{0,  1,  2,  3,   5,   7,   8,   9,   15,  16,  17,  31,  32,   33,
                                    63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1000, 4099};
constexpr int64_t kLong = 300'007;

class Contract : public ::testing::TestWithParam<ContractRow> {
 protected:
  const ContractRow& row() const { return GetParam(); }
  std::shared_ptr<const Codec> codec() const { return make_codec(row().spec); }
  Extent extent(const Buffer& data) const { return {data.data(), data.size() / dtype_bytes(row().dtype), row().dtype}; }
  double mean_square_error(const Buffer& data, const Buffer& out) const {
    const int64_t n = extent(data).numel;
    double squares = 0;
    for (int64_t i = 0; i < n; ++i)
      squares += std::pow(float_at(data.data(), i, row().dtype) - float_at(out.data(), i, row().dtype), 2);
    return squares / static_cast<double>(n);
  }
};

TEST_P(Contract, GivesBackWhatItPromises) {
  for (const int64_t n : kLengths) {
    const Buffer data = row().data(n, 1);
    const auto payload = encode(*codec(), extent(data), row().side(n));
    if (!payload) continue;  // small ones may not be worth it
    const Buffer out = decode(*codec(), *payload, n, row().dtype);
    EXPECT_TRUE(row().verify(extent(data), out.data())) << n << " values";
  }
}

// Whose sides are odd, and whose inner sizes lie around the width of vectors, as far as a row has a grid.
TEST_P(Contract, GivesBackWhatItPromisesOnOddGrids) {
  for (const int64_t n :
       {3 * 7 * 11 * 65, 9 * 11 * 33, 5 * 28 * 17, 3 * 7 * 11 * 15, 13 * 17, 7 * 11 * 13, 9 * 5 * 15}) {
    const Buffer data = row().data(n, 10);
    const auto payload = encode(*codec(), extent(data), row().side(n));
    ASSERT_TRUE(payload.has_value());
    const Buffer out = decode(*codec(), *payload, n, row().dtype);
    EXPECT_TRUE(row().verify(extent(data), out.data())) << n << " values";
  }
}

TEST_P(Contract, CodesWhatItIsMadeFor) {
  const Buffer data = row().data(4096, 2);
  const auto payload = encode(*codec(), extent(data), row().side(4096));
  ASSERT_TRUE(payload.has_value());
  EXPECT_LT(payload->size(), data.size());
}

TEST_P(Contract, EstimateIsNearTheTruth) {
  const int64_t n = 65536;
  const Buffer data = row().data(n, 3);
  const SideInfo side = row().side(n);
  const auto payload = encode(*codec(), extent(data), side);
  ASSERT_TRUE(payload.has_value());
  const Estimate e = codec()->estimate(compute_stats(extent(data)), n, row().dtype, side);
  EXPECT_LE(static_cast<double>(e.bytes), static_cast<double>(payload->size()) * row().bytes_tolerance);
  EXPECT_GE(static_cast<double>(e.bytes), static_cast<double>(payload->size()) / row().bytes_tolerance);
  EXPECT_GT(e.encode_seconds, 0);
  EXPECT_GT(e.decode_seconds, 0);
  if (row().mean_square_tolerance == 0) {
    EXPECT_EQ(e.mean_square_error, 0);
    return;
  }
  const double truth = mean_square_error(data, decode(*codec(), *payload, n, row().dtype));
  EXPECT_LT(e.mean_square_error, truth * row().mean_square_tolerance);
  EXPECT_GT(e.mean_square_error, truth / row().mean_square_tolerance);
}

TEST_P(Contract, ATrialTellsBytesWithinATenthAndError) {
  const int64_t n = 1 << 18;
  const Buffer data = row().data(n, 3);
  const SideInfo side = row().side(n);
  const auto payload = encode(*codec(), extent(data), side);
  ASSERT_TRUE(payload.has_value());
  const auto trial = try_on_sample(*codec(), extent(data), side, {}, 32768);
  ASSERT_TRUE(trial.has_value());
  EXPECT_NEAR(static_cast<double>(trial->bytes) / static_cast<double>(payload->size()), 1, 0.1);
  if (codec()->error_class() == ErrorClass::kExact) {
    EXPECT_EQ(trial->mean_square_error, 0);
    return;
  }
  const double truth = mean_square_error(data, decode(*codec(), *payload, n, row().dtype));
  EXPECT_NEAR(trial->mean_square_error / truth, 1, row().trial_tolerance);
}

TEST_P(Contract, ReadsFromElementAlignedMemory) {
  const int64_t n = 777, width = dtype_bytes(row().dtype);
  const Buffer data = row().data(n, 4);
  const auto expected = encode(*codec(), extent(data), row().side(n));
  ASSERT_TRUE(expected.has_value());
  for (const int64_t shift : {1, 3, 5}) {
    const Buffer moved(data.data(), data.size(), shift * width);
    const auto payload = encode(*codec(), extent(moved), row().side(n));
    ASSERT_TRUE(payload.has_value());
    EXPECT_TRUE(*payload == *expected);
  }
}

TEST_P(Contract, GivesTheSameBytesOnEveryInstructionSetAndThreadCount) {
  for (const int64_t n : {int64_t{1003}, kLong}) {
    const Buffer data = row().data(n, 5);
    const SideInfo side = row().side(n);
    std::optional<Buffer> expected, expected_out;
    on_every_instruction_set([&](const std::string&) {
      for (const int threads : {1, 2, 5}) {
        const ThreadedExecutor executor(threads);
        CodecContext context{7, 8, 9, &executor, nullptr};
        const auto payload = encode(*codec(), extent(data), side, context);
        ASSERT_TRUE(payload.has_value());
        const Buffer out = decode(*codec(), *payload, n, row().dtype, context);
        if (!expected) {
          expected.emplace(payload->data(), payload->size());
          expected_out.emplace(out.data(), out.size());
        }
        EXPECT_TRUE(*payload == *expected) << threads << " threads";
        EXPECT_TRUE(out == *expected_out) << threads << " threads";
      }
    });
  }
}

// Torch takes none for so few either; a forked child has none, and would wait for them for good.
TEST_P(Contract, TakesNoThreadsForFewValues) {
  struct Refusing final : Executor {
    void parallel_for(int64_t n, int64_t, const std::function<void(int64_t, int64_t)>& body) const override {
      ADD_FAILURE() << "asks for threads";
      body(0, n);
    }
  } executor;
  const int64_t n = 32768;
  const Buffer data = row().data(n, 13);
  const CodecContext context{7, 8, 9, &executor, nullptr};
  const auto payload = encode(*codec(), extent(data), row().side(n), context);
  ASSERT_TRUE(payload.has_value());
  decode(*codec(), *payload, n, row().dtype, context);
}

TEST_P(Contract, GivesTheSameValuesPastTheCaches) {
  struct Forced {
    Forced() { backend::force_streaming_from(0); }
    ~Forced() { backend::force_streaming_from(-1); }
  };
  const int64_t n = (int64_t{1} << 20) / dtype_bytes(row().dtype) + 13;
  const Buffer data = row().data(n, 6);
  const auto payload = encode(*codec(), extent(data), row().side(n));
  ASSERT_TRUE(payload.has_value());
  const Buffer out = decode(*codec(), *payload, n, row().dtype);
  on_every_instruction_set([&](const std::string&) {
    const Forced forced;
    EXPECT_TRUE(out == decode(*codec(), *payload, n, row().dtype));
  });
  EXPECT_TRUE(row().verify(extent(data), out.data()));
}

TEST_P(Contract, MayBeUsedByManyThreadsAtOnce) {
  const int64_t n = 5003;
  const Buffer data = row().data(n, 7);
  const auto shared = codec();
  const auto expected = encode(*shared, extent(data), row().side(n));
  ASSERT_TRUE(expected.has_value());
  const Buffer expected_out = decode(*shared, *expected, n, row().dtype);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        Buffer room(expected->size()), out(data.size());
        const auto bytes = shared->encode(extent(data), row().side(n), room.span(), {});
        if (!bytes || !(room == *expected)) ++wrong;
        shared->decode(room.span(), out.data(), n, row().dtype, {});
        if (!(out == expected_out)) ++wrong;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST_P(Contract, AllocatesNothing) {
  const Buffer data = row().data(kLong, 8);
  const SideInfo side = row().side(kLong);
  const auto c = codec();
  const CodecContext context;
  Buffer room(*c->measure(extent(data), side, context)), out(data.size());
  const int64_t before = allocations_of_this_thread();
  c->measure(extent(data), side, context);
  const auto bytes = c->encode(extent(data), side, room.span(), context);
  c->decode(room.span(), out.data(), kLong, row().dtype, context);
  const int64_t after = allocations_of_this_thread();
  EXPECT_TRUE(bytes.has_value());
  EXPECT_EQ(after - before, 0);
}

// What measuring left is taken for the same values and draws, and for no others.
TEST_P(Contract, GivesTheSameBytesWhateverMeasuringLeft) {
  const int64_t n = 5003;
  const Buffer data = row().data(n, 11), other = row().data(n, 12);
  const SideInfo side = row().side(n);
  const auto c = codec();
  CodecContext plain, leaving;
  Measured left;
  leaving.measured = &left;
  const auto expect_the_same = [&](const Buffer& values) {
    const auto expected = encode(*c, extent(values), side, plain);
    ASSERT_TRUE(expected.has_value());
    Buffer room(expected->size() + n);
    const auto bytes = c->encode(extent(values), side, room.span(), leaving);
    ASSERT_EQ(bytes, expected->size());
    EXPECT_EQ(std::memcmp(room.data(), expected->data(), static_cast<size_t>(*bytes)), 0);
  };
  ASSERT_TRUE(c->measure(extent(data), side, leaving).has_value());
  expect_the_same(data);
  expect_the_same(other);
  plain.step = leaving.step = 1;
  expect_the_same(data);
}

TEST_P(Contract, RefusesMisuse) {
  const int64_t n = 1000;
  const Buffer data = row().data(n, 9);
  const SideInfo side = row().side(n);
  const auto c = codec();
  const auto payload = encode(*c, extent(data), side);
  ASSERT_TRUE(payload.has_value());
  Buffer out(data.size() + 64), small(payload->size() - 1);
  const CodecContext context;
  EXPECT_THROW(c->encode({data.data(), n, DType::kOther}, side, payload->span(), context), CodecError);
  EXPECT_THROW(c->encode({nullptr, n, row().dtype}, side, payload->span(), context), CodecError);
  EXPECT_THROW(c->encode({data.data(), -1, row().dtype}, side, payload->span(), context), CodecError);
  if (row().bytes_tolerance == 1) {
    EXPECT_THROW(c->encode(extent(data), side, small.span(), context), CodecError);
  } else {
    const auto bytes = c->encode(extent(data), side, small.span(), context);
    EXPECT_EQ(bytes.has_value(), row().fits_less_room) << "declined, once the values have shown it";
    EXPECT_TRUE(small.intact());
  }
  EXPECT_THROW(c->payload_bound(n, DType::kOther, side), CodecError);
  EXPECT_THROW(c->decode(payload->span(), out.data(), n + 1, row().dtype, context), CodecError);
  EXPECT_THROW(c->decode(payload->span(), out.data(), -1, row().dtype, context), CodecError);
  EXPECT_THROW(c->decode(payload->span(), out.data(), n, DType::kOther, context), CodecError);
  EXPECT_THROW(c->decode(payload->span(), nullptr, n, row().dtype, context), CodecError);
  for (const DType other : {DType::kFloat32, DType::kFloat16, DType::kInt64, DType::kBool}) {
    if (other == row().dtype) continue;
    EXPECT_THROW(c->decode(payload->span(), out.data(), n, other, context), CodecError);
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, Contract, ::testing::ValuesIn(contract_rows()), row_name);

}  // namespace
}  // namespace cinch::testing
