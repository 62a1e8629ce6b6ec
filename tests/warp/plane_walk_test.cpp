// Planes as warps write and read them, walked through on the CPU: byte for byte what the CPU codecs make.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "src/codec/lossless/surrogate.h"
#include "src/codec/stage/plane.h"
#include "src/codec/stage/warp_plane.h"
#include "tests/contract/support.h"
#include "tests/warp/walk.h"

namespace cinch::testing {
namespace {

using namespace cinch::codec;

const std::vector<int64_t> kLengths{1, 2, 31, 32, 33, 63, 64, 65, 1000, 1023, 1024, 1025, 4096, 20'011};

template <class Test>
std::vector<uint32_t> walk_plane(const void* in, int64_t n, const Test& test) {
  std::vector<uint32_t> plane(static_cast<size_t>(plane_halves(n)), 0x5a5a5a5au);
  const PlaneJob<Test> job{in, n, test, plane.data()};
  walk(tile_count(n), 2, 0, [&](const HostWarp& warp, int64_t tile) { write_tile(warp, job, tile); });
  return plane;
}

// Every bound and its neighbours, all special values, and numbers in between.
Buffer hard_values(int64_t n, DType dtype, const Predicate& p) {
  std::mt19937 random(7);
  std::normal_distribution<double> normal(0, 2);
  const double inf = INFINITY;
  const std::vector<double> special{0.0,
                                    -0.0,
                                    p.lo,
                                    p.hi,
                                    -p.lo,
                                    -p.hi,
                                    std::nextafter(static_cast<float>(p.lo), inf),
                                    std::nextafter(static_cast<float>(p.hi), -inf),
                                    inf,
                                    -inf,
                                    double{NAN},
                                    -double{NAN},
                                    1e-45,
                                    -1e-45,
                                    65504.0,
                                    -65504.0};
  std::vector<double> values(static_cast<size_t>(n));
  for (size_t i = 0; i < values.size(); ++i) values[i] = i % 3 == 0 ? special[i / 3 % special.size()] : normal(random);
  return floats(values, dtype);
}

template <class F>
void with_float_type(DType dtype, F f) {
  switch (dtype) {
    case DType::kFloat32:
      return f(float{}, float{});
    case DType::kBFloat16:
      return f(Bf16{}, float{});
    case DType::kFloat16:
      return f(Fp16{}, float{});
    default:
      return f(double{}, double{});
  }
}

TEST(PlaneWalk, AnswersEveryPredicateAsTheCpuDoes) {
  using enum PredicateKind;
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16, DType::kFloat64})
    for (const bool nan_on : {false, true})
      for (const auto& [lo, hi] : std::vector<std::pair<double, double>>{{0, 0},
                                                                         {-0.0, -0.0},
                                                                         {0.5, 3},
                                                                         {-1, 1},
                                                                         {0.1, 0.3},
                                                                         {-INFINITY, INFINITY},
                                                                         {INFINITY, -INFINITY},
                                                                         {3, -3}})
        for (const PredicateKind kind :
             {kGreater, kGreaterEqual, kLess, kLessEqual, kOpenInterval, kClosedInterval, kAbsGreater, kSign}) {
          const Predicate p{kind, lo, hi, nan_on};
          const int64_t n = 64 * 40;
          const Buffer data = hard_values(n, dtype, p);
          std::vector<uint64_t> expected(static_cast<size_t>(n / 64)), negative(expected);
          predicate_plane(data.data(), n / 64, dtype, p, expected.data());
          negative_plane(data.data(), n / 64, dtype, negative.data());
          with_float_type(dtype, [&](auto zero, auto single) {
            using T = decltype(zero);
            using F = decltype(single);
            const auto plane = walk_plane(data.data(), n, PredicateTest<T, F>{interval_of<F>(p)});
            EXPECT_EQ(std::memcmp(plane.data(), expected.data(), expected.size() * 8), 0)
                << to_string(kind) << " " << p.lo << " " << p.hi << " " << to_string(dtype) << " nan " << nan_on;
            const auto below = walk_plane(data.data(), n, PredicateTest<T, F>{negative_interval<F>()});
            EXPECT_EQ(std::memcmp(below.data(), negative.data(), negative.size() * 8), 0) << to_string(dtype);
          });
        }
}

TEST(PlaneWalk, WritesTailsAndMisalignedTensors) {
  const Predicate p{PredicateKind::kGreater, 0, 0, true};
  for (const int64_t n : kLengths)
    for (const int64_t shift : {0, 1, 3}) {
      for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16, DType::kFloat64}) {
        const Buffer values = hard_values(n, dtype, p);
        const Buffer data(values.data(), values.size(), shift * dtype_bytes(dtype));
        const auto expected = encode(*make_codec({"mask", {}}), {data.data(), n, dtype}, {p, {}});
        with_float_type(dtype, [&](auto zero, auto single) {
          using T = decltype(zero);
          using F = decltype(single);
          const auto plane = walk_plane(data.data(), n, PredicateTest<T, F>{interval_of<F>(p)});
          ASSERT_EQ(expected->size(), kHeaderBytes + static_cast<int64_t>(plane.size() * 4));
          EXPECT_EQ(std::memcmp(plane.data(), expected->data() + kHeaderBytes, plane.size() * 4), 0) << n;
        });
      }
      std::vector<int64_t> bytes(static_cast<size_t>(n));
      for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = i * i % 7 % 2;
      const Buffer values = integers(bytes, DType::kBool);
      const Buffer data(values.data(), values.size(), shift);
      const auto expected = encode(*make_codec({"bits", {}}), {data.data(), n, DType::kBool}, {});
      const auto plane = walk_plane(data.data(), n, NonzeroTest{});
      EXPECT_EQ(std::memcmp(plane.data(), expected->data() + kHeaderBytes, plane.size() * 4), 0) << n;
    }
}

template <class P>
void expect_choice(int64_t n, bool two) {
  std::mt19937_64 random(5);
  std::vector<uint64_t> first(static_cast<size_t>(plane_words(n))), second(first);
  for (uint64_t& w : first) w = random();
  for (uint64_t& w : second) w = random();
  const Choice choice{random(), random(), random()};
  const auto width = static_cast<int64_t>(sizeof(P));
  Buffer expected(n * width), out(n * width);
  read_plane({}, first.data(), two ? second.data() : nullptr, n, width, choice, expected.data());
  const ChooseJob<P> job{reinterpret_cast<const uint32_t*>(first.data()),
                         two ? reinterpret_cast<const uint32_t*>(second.data()) : nullptr,
                         n,
                         static_cast<P>(choice.off),
                         static_cast<P>(choice.on),
                         static_cast<P>(choice.second),
                         reinterpret_cast<P*>(out.data())};
  walk(tile_count(n), 2, 0, [&](const HostWarp& warp, int64_t tile) { read_tile(warp, job, tile); });
  EXPECT_TRUE(out.intact());
  EXPECT_TRUE(out == expected) << n << " values of " << width << " bytes";
}

TEST(PlaneWalk, ReadsPlanesOfEveryWidth) {
  for (const int64_t n : kLengths)
    for (const bool two : {false, true}) {
      expect_choice<uint8_t>(n, two);
      expect_choice<uint16_t>(n, two);
      expect_choice<uint32_t>(n, two);
      expect_choice<uint64_t>(n, two);
    }
}

}  // namespace
}  // namespace cinch::testing
