// Planes that join two tensors, against comparisons of single values in float64.
#include "src/codec/lossless/joint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "cinch/error.h"
#include "src/backend/cpu/isa.h"
#include "tests/contract/support.h"

namespace cinch::testing {
namespace {

using codec::JointAxis;
using enum PredicateKind;
constexpr DType kFloats[] = {DType::kFloat32, DType::kBFloat16, DType::kFloat16, DType::kFloat64};
constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();

// What the plane gives back for both tensors, from payloads whose ends are guarded.
struct Both {
  std::vector<double> first;
  double partner;
};
Both joined(const Predicate& p, const std::vector<double>& first, const std::vector<double>& partner,
            const std::vector<JointAxis>& axes, DType dtype, const CodecContext& context = {}) {
  const auto n = static_cast<int64_t>(first.size());
  const Buffer x = floats(first, dtype), y = floats(partner, dtype);
  const Buffer payload(codec::joint_bytes(p.kind, n));
  codec::encode_joint(p, {x.data(), n, dtype}, {y.data(), axes}, payload.span(), context);
  const Buffer out(n * dtype_bytes(dtype)), one(dtype_bytes(dtype));
  codec::decode_joint(payload.span(), p.kind, out.data(), n, dtype, context);
  codec::fill_partner(p.kind, one.data(), 1, dtype);
  EXPECT_TRUE(payload.intact() && out.intact() && one.intact());
  Both both{{}, float_at(one.data(), 0, dtype)};
  for (int64_t i = 0; i < n; ++i) both.first.push_back(float_at(out.data(), i, dtype));
  return both;
}

// Whether two pairs of numbers give the same answers to everything that the backwards ask.
bool alike(const Predicate& p, double x, double y, double a, double b) {
  const auto equal = [&](double s, double t) { return s == t || (p.nan_on && std::isnan(s) && std::isnan(t)); };
  if (p.kind == kJointEqual) {
    // A single NaN stands for nothing: the other one is asked for NaN too.
    return equal(x, y) == equal(a, b) && !std::isnan(a) && !std::isnan(b);
  }
  if (p.kind == kJointSign) return (x < y) == (a < b) && (x > y) == (a > b) && (x == y) == (a == b);
  const auto on = [](double s, double t) { return std::abs(s) == t || std::isnan(s); };
  const auto sign = [](double s) { return (s > 0) - (s < 0); };
  return on(x, y) == on(a, b) && sign(x) == sign(a);
}

const std::vector<Predicate> kPredicates = {
    {kJointEqual, 0, 0, false}, {kJointEqual, 0, 0, true}, {kJointSign, 0, 0, true}, {kJointAbsEqual, 0, 0, true}};

// Few distinct values, so that ties are frequent, and everything special among them.
std::vector<double> values(size_t n, uint32_t seed, bool positive) {
  const double all[] = {0.0, -0.0, 1.0, -1.0, 2.5, -2.5, kInf, -kInf, kNan, 3.0};
  std::vector<double> result(n);
  for (double& v : result) {
    seed = seed * 1664525u + 1013904223u;
    v = all[(seed >> 16) % 10];
    if (positive) v = std::abs(v);
  }
  return result;
}

TEST(JointMask, EveryPairOfSpecialValues) {
  const std::vector<double> special = {0.0, -0.0, 1, -1, 0.5, -0.5, 60000, -60000, kInf, -kInf, kNan};
  for (const Predicate& p : kPredicates) {
    std::vector<double> x, y;
    for (const double a : special)
      for (const double b : special) {
        // A norm is not negative, and an infinite one has an infinite value.
        if (p.kind == kJointAbsEqual && std::signbit(b)) continue;
        x.push_back(a), y.push_back(b);
      }
    for (const DType d : kFloats) {
      const Both both = joined(p, x, y, {{static_cast<int64_t>(x.size()), 1}}, d);
      for (size_t i = 0; i < x.size(); ++i)
        EXPECT_TRUE(alike(p, x[i], y[i], both.first[i], both.partner))
            << to_string(p.kind) << ' ' << x[i] << " and " << y[i] << " became " << both.first[i];
    }
  }
}

// Partners along every kind of axis, over lengths with and without a rest, on one and several threads.
TEST(JointMask, PartnersAreFoundAlongTheAxes) {
  const ThreadedExecutor threads(3);
  const std::vector<std::vector<JointAxis>> layouts = {
      {{1000, 0}},                            // one for all
      {{7, 1}, {333, 0}},                     // one a row
      {{333, 0}, {7, 1}},                     // one a column
      {{33, 3}, {70, 1}},                     // overlapping
      {{5, 1}, {64, 0}, {9, 5}},              // a middle axis
      {{64, 1}, {64, 64}},                    // transposed
      {{2, 0}, {3, 2}, {1100, 0}, {31, 10}},  // more than a grain of threads
      {{1, 0}, {1, 5}},
  };
  uint32_t seed = 1;
  for (const Predicate& p : kPredicates)
    for (const auto& axes : layouts) {
      int64_t n = 1, reach = 1;
      for (const JointAxis& axis : axes) n *= axis.size, reach += (axis.size - 1) * axis.stride;
      const auto x = values(static_cast<size_t>(n), ++seed, false);
      const auto y = values(static_cast<size_t>(reach), ++seed, p.kind == kJointAbsEqual);
      CodecContext context;
      context.executor = seed % 2 == 0 ? &serial_executor() : &threads;
      const Both both = joined(p, x, y, axes, kFloats[seed / 2 % 4], context);
      int64_t wrong = 0;
      for (int64_t i = 0; i < n; ++i) {
        int64_t at = 0, rest = i;
        for (size_t a = axes.size(); a-- > 0; rest /= axes[a].size) at += rest % axes[a].size * axes[a].stride;
        wrong += alike(p, x[i], y[at], both.first[i], both.partner) ? 0 : 1;
      }
      EXPECT_EQ(wrong, 0) << to_string(p.kind) << " over " << n;
    }
}

TEST(JointMask, TakesOneTwoOrThreeBitsAValue) {
  EXPECT_EQ(codec::joint_bytes(kJointEqual, 4096), 64 + 512);
  EXPECT_EQ(codec::joint_bytes(kJointSign, 4096), 64 + 2 * 512);
  EXPECT_EQ(codec::joint_bytes(kJointAbsEqual, 4096), 64 + 3 * 512);
  EXPECT_EQ(codec::joint_bytes(kJointSign, 1), 64 + 64 + 8);
}

TEST(JointMask, TheSameDataGivesTheSameBytesOnEveryInstructionSet) {
  for (const Predicate& p : kPredicates) {
    const Buffer x = floats(values(1500, 3, false), DType::kBFloat16),
                 y = floats(values(1500, 4, true), DType::kBFloat16);
    const JointAxis axis{1500, 1};
    std::optional<Buffer> expected;
    on_every_instruction_set([&](const std::string& name) {
      Buffer payload(codec::joint_bytes(p.kind, 1500));
      std::fill(payload.data(), payload.data() + payload.size(), expected ? std::byte{0x5a} : std::byte{0xa5});
      codec::encode_joint(p, {x.data(), 1500, DType::kBFloat16}, {y.data(), {&axis, 1}}, payload.span(), {});
      if (!expected) expected = payload;
      EXPECT_TRUE(payload == *expected) << name;
    });
  }
}

TEST(JointMask, MisuseIsAnError) {
  const Buffer x = floats(std::vector<double>(100, 1.0), DType::kFloat32);
  const JointAxis axis{100, 1}, short_axis{99, 1};
  const Buffer out(codec::joint_bytes(kJointSign, 100));
  const Predicate p{kJointSign, 0, 0, true};
  const Extent first{x.data(), 100, DType::kFloat32};
  EXPECT_THROW(codec::encode_joint({kSign, 0, 0, false}, first, {x.data(), {&axis, 1}}, out.span(), {}), CodecError);
  EXPECT_THROW(codec::encode_joint(p, first, {x.data(), {&short_axis, 1}}, out.span(), {}), CodecError);
  EXPECT_THROW(codec::encode_joint(p, {x.data(), 100, DType::kInt32}, {x.data(), {&axis, 1}}, out.span(), {}),
               CodecError);
  EXPECT_THROW(codec::encode_joint(p, first, {x.data(), {&axis, 1}}, out.span().first(100), {}), CodecError);
  const std::vector<JointAxis> many(codec::kMaxJointAxes, JointAxis{1, 0});
  std::vector<JointAxis> too_many = many;
  too_many.push_back(axis);
  EXPECT_THROW(codec::encode_joint(p, first, {x.data(), too_many}, out.span(), {}), CodecError);
  codec::encode_joint(p, first, {x.data(), {&axis, 1}}, out.span(), {});
  const Buffer back(400);
  EXPECT_THROW(codec::decode_joint(out.span(), kJointEqual, back.data(), 100, DType::kFloat32, {}), CodecError);
  EXPECT_THROW(codec::decode_joint(out.span(), kJointSign, back.data(), 99, DType::kFloat32, {}), CodecError);
  EXPECT_THROW(codec::decode_joint(out.span().first(100), kJointSign, back.data(), 100, DType::kFloat32, {}),
               CodecError);
  out.data()[5] ^= std::byte{1};
  EXPECT_THROW(codec::decode_joint(out.span(), kJointSign, back.data(), 100, DType::kFloat32, {}), CodecError);
}

}  // namespace
}  // namespace cinch::testing
