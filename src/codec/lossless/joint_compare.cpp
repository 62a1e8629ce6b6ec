#include "src/codec/lossless/joint_compare.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "src/codec/stage/chunk.h"
#include "src/codec/stage/plane_kernels.h"

namespace cinch::codec {
namespace {

constexpr int64_t kPieceWords = 16;
constexpr int64_t kPiece = kPieceWords * kWord;  // values compared at once

double widen(double x) { return x; }
float widen(float x) { return x; }
float widen(Bf16 x) { return to_float(x); }
float widen(Fp16 x) { return to_float(x); }

// Follows the partners of consecutive values: they lie in runs along the innermost axis.
class Walk {
 public:
  Walk(std::span<const JointAxis> axes, int64_t position) : axes_(axes) {
    for (size_t a = axes.size(); a-- > 0;) {
      at_[a] = position % axes[a].size;
      position /= axes[a].size;
      offset_ += at_[a] * axes[a].stride;
    }
  }

  // run(begin, offset, stride, n): values begin.. begin + n meet offset, offset + stride, ...
  template <class Run>
  void next(int64_t count, Run&& run) {
    if (axes_.empty()) return run(int64_t{0}, int64_t{0}, int64_t{0}, count);
    const size_t last = axes_.size() - 1;
    for (int64_t done = 0; done < count;) {
      const int64_t n = std::min(count - done, axes_[last].size - at_[last]);
      run(done, offset_, axes_[last].stride, n);
      done += n;
      advance(last, n);
    }
  }

 private:
  void advance(size_t axis, int64_t n) {
    at_[axis] += n;
    offset_ += n * axes_[axis].stride;
    while (at_[axis] == axes_[axis].size) {
      offset_ -= at_[axis] * axes_[axis].stride;
      at_[axis] = 0;
      if (axis-- == 0) return;
      ++at_[axis];
      offset_ += axes_[axis].stride;
    }
  }

  std::span<const JointAxis> axes_;
  std::array<int64_t, kMaxJointAxes> at_{};
  int64_t offset_ = 0;
};

// A byte for each answer: what compilers turn into vector code, and nonzero_plane into bits.
using Flags = std::array<std::array<uint8_t, kPiece>, 3>;

template <class F>
void compare(const Predicate& predicate, const F* x, const F* y, int64_t n, Flags& flags) {
  auto& [one, two, three] = flags;
  switch (predicate.kind) {
    case PredicateKind::kJointEqual:
      for (int64_t i = 0; i < n; ++i) one[i] = x[i] == y[i];
      if (predicate.nan_on)
        for (int64_t i = 0; i < n; ++i) one[i] |= static_cast<uint8_t>(std::isnan(x[i])) & std::isnan(y[i]);
      return;
    case PredicateKind::kJointSign:  // both planes: one of the two is NaN
      for (int64_t i = 0; i < n; ++i) one[i] = static_cast<uint8_t>(x[i] != y[i]) & !(x[i] < y[i]);
      for (int64_t i = 0; i < n; ++i) two[i] = !(x[i] >= y[i]);
      return;
    default:  // the third plane: without a sign
      for (int64_t i = 0; i < n; ++i) one[i] = static_cast<uint8_t>(std::abs(x[i]) == y[i]) | std::isnan(x[i]);
      for (int64_t i = 0; i < n; ++i) two[i] = x[i] < 0;
      for (int64_t i = 0; i < n; ++i) three[i] = !(x[i] < 0) & !(x[i] > 0);
  }
}

template <class T>
void compare_typed(const Predicate& predicate, const Extent& first, const Partner& partner, int64_t begin, int64_t end,
                   std::span<uint64_t* const> planes) {
  using F = decltype(widen(T{}));
  const T* const values = static_cast<const T*>(first.data);
  const T* const partners = static_cast<const T*>(partner.data);
  alignas(64) std::array<F, kPiece> x, y;
  alignas(64) Flags flags;
  Walk walk(partner.axes, begin * kWord);
  for (int64_t word = begin; word < end; word += kPieceWords) {
    const int64_t words = std::min(kPieceWords, end - word);
    const int64_t n = std::min(words * kWord, first.numel - word * kWord);
    for (int64_t i = 0; i < n; ++i) x[i] = widen(values[word * kWord + i]);
    walk.next(n, [&](int64_t to, int64_t offset, int64_t stride, int64_t count) {
      if (stride == 0) {
        std::fill(y.begin() + to, y.begin() + to + count, widen(partners[offset]));
      } else {
        for (int64_t i = 0; i < count; ++i) y[to + i] = widen(partners[offset + i * stride]);
      }
    });
    compare(predicate, x.data(), y.data(), n, flags);
    for (size_t p = 0; p < planes.size(); ++p) {
      std::fill(flags[p].begin() + n, flags[p].begin() + words * kWord, uint8_t{0});
      nonzero_plane(flags[p].data(), words, planes[p] + word);
    }
  }
}

}  // namespace

void compare_words(const Predicate& predicate, const Extent& first, const Partner& partner, int64_t begin, int64_t end,
                   std::span<uint64_t* const> planes) {
  switch (first.dtype) {
    case DType::kFloat32:
      return compare_typed<float>(predicate, first, partner, begin, end, planes);
    case DType::kBFloat16:
      return compare_typed<Bf16>(predicate, first, partner, begin, end, planes);
    case DType::kFloat16:
      return compare_typed<Fp16>(predicate, first, partner, begin, end, planes);
    default:
      return compare_typed<double>(predicate, first, partner, begin, end, planes);
  }
}

}  // namespace cinch::codec
