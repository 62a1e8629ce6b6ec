#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "cinch/error.h"
#include "tests/contract/support.h"

namespace cinch::testing {
namespace {

std::shared_ptr<const Codec> quant(int64_t bits) { return make_codec({"group_quant", {{"bits", bits}}}); }

Buffer values_of(int64_t n, DType dtype) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  std::vector<double> values(static_cast<size_t>(n));
  for (double& v : values) v = normal(random);
  return floats(values, dtype);
}

std::optional<Buffer> recode(const Codec& from, const Buffer& payload, const Codec& to, int64_t n, DType dtype,
                             const CodecContext& context) {
  Buffer out(to.payload_bound(n, dtype, {}));
  const auto bytes = from.recode(payload.span(), n, dtype, to, out.span(), context);
  EXPECT_TRUE(out.intact());
  if (!bytes) return std::nullopt;
  EXPECT_EQ(*bytes, out.size());
  return out;
}

TEST(Recode, GoesFromEightBitsDownToOne) {
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) {
    const int64_t n = 5000;
    const Buffer data = values_of(n, dtype);
    auto payload = encode(*quant(8), {data.data(), n, dtype}, {});
    int64_t from = 8;
    for (const int64_t to : {4, 2, 1}) {
      auto next = recode(*quant(from), *payload, *quant(to), n, dtype, {});
      ASSERT_TRUE(next.has_value());
      EXPECT_LT(next->size(), payload->size());
      const Buffer out = decode(*quant(to), *next, n, dtype);
      double squares = 0;
      for (int64_t i = 0; i < n; ++i)
        squares += std::pow(float_at(data.data(), i, dtype) - float_at(out.data(), i, dtype), 2);
      const double expected =
          quant(to)->estimate(compute_stats({data.data(), n, dtype}), n, dtype, {}).mean_square_error;
      EXPECT_LT(squares / static_cast<double>(n), 1.6 * expected) << to << " bits: little more than coding at once";
      payload.emplace(next->data(), next->size());
      from = to;
    }
  }
}

// The second dither must be independent of the first. Errors lie within 1.2 coarse steps; Hoeffding over 500 seeds and
// 2048 values with t = 0.008 steps: a false alarm in less than 2 exp(-2 * 1024000 * 0.008^2 / 2.4^2) = 3e-10 of all
// seeds.
TEST(Recode, StaysUnbiased) {
  const int64_t n = 2048;
  const Buffer data = values_of(n, DType::kFloat32);
  double total = 0, slope = 0, squares = 0;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    const CodecContext context{seed, 1, 1, &serial_executor(), nullptr};
    const auto fine = encode(*quant(4), {data.data(), n, DType::kFloat32}, {}, context);
    const auto coarse = recode(*quant(4), *fine, *quant(2), n, DType::kFloat32, context);
    const Buffer out = decode(*quant(2), *coarse, n, DType::kFloat32);
    for (int64_t i = 0; i < n; ++i) {
      const double x = float_at(data.data(), i, DType::kFloat32), e = float_at(out.data(), i, DType::kFloat32) - x;
      total += e;
      slope += e * x;
      squares += x * x;
    }
  }
  const double step = 5.7 / 3;
  EXPECT_LT(std::fabs(total) / 500 / static_cast<double>(n) / step, 0.008);
  EXPECT_LT(std::fabs(slope / squares), 0.008) << "an error that follows the value is a bias too";
}

TEST(Recode, GivesTheSameBytesOnEveryInstructionSetAndThreadCount) {
  const int64_t n = 100'003;
  const Buffer data = values_of(n, DType::kBFloat16);
  const auto fine = encode(*quant(8), {data.data(), n, DType::kBFloat16}, {});
  std::optional<Buffer> expected;
  on_every_instruction_set([&](const std::string&) {
    for (const int threads : {1, 3}) {
      const ThreadedExecutor executor(threads);
      const auto coarse = recode(*quant(8), *fine, *quant(2), n, DType::kBFloat16, {1, 2, 3, &executor, nullptr});
      if (!expected) expected.emplace(coarse->data(), coarse->size());
      EXPECT_TRUE(*coarse == *expected);
    }
  });
}

TEST(Recode, AllocatesNothing) {
  const int64_t n = 100'003;
  const Buffer data = values_of(n, DType::kFloat32);
  const auto fine = encode(*quant(8), {data.data(), n, DType::kFloat32}, {});
  const auto from = quant(8), to = quant(4);
  Buffer out(to->payload_bound(n, DType::kFloat32, {}));
  const int64_t before = allocations_of_this_thread();
  from->recode(fine->span(), n, DType::kFloat32, *to, out.span(), {});
  EXPECT_EQ(allocations_of_this_thread(), before);
}

TEST(Recode, RefusesFinerAndForeignTargets) {
  const int64_t n = 600;
  const Buffer data = values_of(n, DType::kFloat32);
  const auto payload = encode(*quant(2), {data.data(), n, DType::kFloat32}, {});
  Buffer out(10000);
  EXPECT_FALSE(quant(2)->recode(payload->span(), n, DType::kFloat32, *quant(4), out.span(), {}).has_value());
  EXPECT_FALSE(quant(2)->recode(payload->span(), n, DType::kFloat32, *quant(2), out.span(), {}).has_value());
  EXPECT_FALSE(
      quant(2)->recode(payload->span(), n, DType::kFloat32, *make_codec({"bits", {}}), out.span(), {}).has_value());
  EXPECT_FALSE(
      make_codec({"bits", {}})->recode(payload->span(), n, DType::kFloat32, *quant(1), out.span(), {}).has_value());
  Buffer small(100);
  EXPECT_THROW(quant(2)->recode(payload->span(), n, DType::kFloat32, *quant(1), small.span(), {}), CodecError);
  EXPECT_THROW(quant(4)->recode(payload->span(), n, DType::kFloat32, *quant(1), out.span(), {}), CodecError)
      << "another codec's payload";
  EXPECT_THROW(quant(2)->recode(payload->span(), n + 1, DType::kFloat32, *quant(1), out.span(), {}), CodecError);
  EXPECT_THROW(quant(2)->recode(payload->span(), n, DType::kBFloat16, *quant(1), out.span(), {}), CodecError);
  for (int64_t cut = 0; cut < payload->size(); cut += 7) {
    const auto front = payload->span().first(static_cast<size_t>(cut));
    EXPECT_THROW(quant(2)->recode(front, n, DType::kFloat32, *quant(1), out.span(), {}), CodecError);
  }
}

}  // namespace
}  // namespace cinch::testing
