#include "src/codec/lossless/joint.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "cinch/error.h"
#include "src/codec/lossless/joint_compare.h"
#include "src/codec/lossless/surrogate.h"
#include "src/codec/stage/plane.h"

namespace cinch::codec {
namespace {

constexpr uint32_t kMagic = make_magic('C', 'J', 'M', '1');
constexpr const char* kName = "joint mask";

int planes_of(PredicateKind kind) {
  switch (kind) {
    case PredicateKind::kJointEqual:
      return 1;
    case PredicateKind::kJointSign:
      return 2;
    case PredicateKind::kJointAbsEqual:
      return 3;
    default:
      throw CodecError("joint mask: predicate \"" + std::string(cinch::to_string(kind)) + "\" is not joint");
  }
}

int64_t plane_offset(int plane, int64_t numel) { return kHeaderBytes + plane * align64(plane_bytes(numel)); }

// Bit p of an index is the answer of plane p.
using Table = std::array<uint64_t, 8>;

Table table_of(PredicateKind kind, DType dtype) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  std::array<double, 8> values{};
  switch (kind) {
    case PredicateKind::kJointEqual:  // the other one is 0
      values = {1, 0};
      break;
    case PredicateKind::kJointSign:  // the other one is 0
      values = {0, 1, -1, kNan};
      break;
    default:  // the other one is 1. NaN counts as equal, and has no sign: so it can stand for zeros that are equal
      values = {0.5, 1, -0.5, -1, 0, kNan, 0, kNan};
  }
  Table table{};
  for (size_t i = 0; i < values.size(); ++i) table[i] = pattern_of(values[i], dtype);
  return table;
}

template <class T>
void look_up(std::span<const uint64_t* const> planes, int64_t begin, int64_t end, const Table& table, T* out) {
  for (int64_t i = begin; i < end; ++i) {
    size_t index = 0;
    for (size_t p = 0; p < planes.size(); ++p) index |= (planes[p][i / kWord] >> (i % kWord) & 1U) << p;
    out[i] = static_cast<T>(table[index]);
  }
}

// Without a type for each width a loop over values would be a loop over bytes.
template <class F>
void with_width(void* out, int64_t width, F f) {
  if (width == 2) return f(static_cast<uint16_t*>(out));
  if (width == 4) return f(static_cast<uint32_t*>(out));
  f(static_cast<uint64_t*>(out));
}

void check_float(DType dtype) {
  if (!is_codable_float(dtype) && dtype != DType::kFloat64)
    throw CodecError("joint mask: " + std::string(cinch::to_string(dtype)) + " is not supported");
}

}  // namespace

int64_t joint_bytes(PredicateKind kind, int64_t numel) {
  const int planes = planes_of(kind);
  return plane_offset(planes - 1, numel) + plane_bytes(numel);
}

double partner_stand_in(PredicateKind kind) noexcept { return kind == PredicateKind::kJointAbsEqual ? 1.0 : 0.0; }

void fill_partner(PredicateKind kind, void* out, int64_t numel, DType dtype) {
  check_float(dtype);
  const uint64_t pattern = pattern_of(partner_stand_in(kind), dtype);
  with_width(out, dtype_bytes(dtype), [&]<class T>(T* to) { std::fill(to, to + numel, static_cast<T>(pattern)); });
}

void encode_joint(const Predicate& predicate, const Extent& first, const Partner& partner, std::span<std::byte> out,
                  const CodecContext& context) {
  const int planes = planes_of(predicate.kind);
  check_float(first.dtype);
  int64_t met = 1;
  for (const JointAxis& axis : partner.axes) met *= axis.size;
  if (met != first.numel || partner.axes.size() > kMaxJointAxes)
    throw CodecError("joint mask: " + std::to_string(first.numel) + " values have " + std::to_string(met) +
                     " partners on " + std::to_string(partner.axes.size()) + " axes");
  Header h;
  h.payload_bytes = joint_bytes(predicate.kind, first.numel);
  if (static_cast<int64_t>(out.size()) < h.payload_bytes)
    throw CodecError("joint mask: the plane needs " + std::to_string(h.payload_bytes) + " bytes, " +
                     std::to_string(out.size()) + " were given");
  h.magic = kMagic;
  h.dtype = static_cast<uint8_t>(first.dtype);
  h.bits = static_cast<uint8_t>(planes);
  h.kind = static_cast<uint8_t>(predicate.kind);
  h.numel = first.numel;
  write_header(h, out);
  std::array<uint64_t*, 3> to{};
  for (int p = 0; p < planes; ++p) {
    const int64_t begin = plane_offset(p, first.numel), end = begin + plane_bytes(first.numel);
    to[static_cast<size_t>(p)] = reinterpret_cast<uint64_t*>(out.data() + begin);
    // The bytes between the planes are part of the payload: the same data must give the same bytes.
    const int64_t next = std::min(h.payload_bytes, align64(end));
    std::fill(out.data() + end, out.data() + next, std::byte{0});
  }
  const std::span<uint64_t* const> used(to.data(), static_cast<size_t>(planes));
  parallel_for(context, plane_words(first.numel), kPlaneGrain,
               [&](int64_t begin, int64_t end) { compare_words(predicate, first, partner, begin, end, used); });
}

void decode_joint(std::span<const std::byte> payload, PredicateKind kind, void* out, int64_t numel, DType dtype,
                  const CodecContext& context) {
  const int planes = planes_of(kind);
  check_float(dtype);
  const Header h = read_header(payload, kMagic, kName, numel, dtype);
  if (h.bits != planes || h.kind != static_cast<uint8_t>(kind) || h.payload_bytes != joint_bytes(kind, numel))
    throw_damaged(kName, "it is not of the predicate that is asked for");
  const Table table = table_of(kind, dtype);
  std::array<const uint64_t*, 3> from{};
  for (int p = 0; p < planes; ++p)
    from[static_cast<size_t>(p)] = reinterpret_cast<const uint64_t*>(payload.data() + plane_offset(p, numel));
  if (planes == 1)
    return read_plane(context, from[0], nullptr, numel, dtype_bytes(dtype), Choice{table[0], table[1], 0}, out);
  const std::span<const uint64_t* const> used(from.data(), static_cast<size_t>(planes));
  with_width(out, dtype_bytes(dtype), [&](auto* to) {
    parallel_for(context, numel, kPlaneGrain * kWord,
                 [&](int64_t begin, int64_t end) { look_up(used, begin, end, table, to); });
  });
}

}  // namespace cinch::codec
