#include <zfp.h>

#include <array>
#include <vector>

#include "bench/peers/peer.h"
#include "cinch/error.h"

namespace cinch::bench {
namespace {

struct Close {
  void operator()(zfp_field* p) const { zfp_field_free(p); }
  void operator()(zfp_stream* p) const { zfp_stream_close(p); }
  void operator()(bitstream* p) const { stream_close(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Close>;

// The fastest first. Only the last one takes in several of the grid's.
using Sides = std::vector<size_t>;

Owned<zfp_field> field_of(const float* values, const Sides& sides) {
  auto* data = const_cast<float*>(values);  // NOLINT: compressing only reads
  switch (sides.size()) {
    case 1:
      return Owned<zfp_field>(zfp_field_1d(data, zfp_type_float, sides[0]));
    case 2:
      return Owned<zfp_field>(zfp_field_2d(data, zfp_type_float, sides[0], sides[1]));
    default:
      return Owned<zfp_field>(zfp_field_3d(data, zfp_type_float, sides[0], sides[1], sides[2]));
  }
}

class Zfp final : public Peer {
 public:
  Zfp(double tolerance, Sides sides) : tolerance_(tolerance), sides_(std::move(sides)) {}

  nlohmann::json spec() const override {
    return {{"name", "zfp"}, {"tolerance", tolerance_}, {"dimensions", sides_.size()}, {"version", ZFP_VERSION_STRING}};
  }
  bool lossless() const override { return false; }
  int64_t room_bytes() const override {
    const auto field = field_of(nullptr, sides_);
    const auto stream = open(nullptr);
    return static_cast<int64_t>(zfp_stream_maximum_size(stream.get(), field.get()));
  }
  int64_t encode(const float* in, std::span<std::byte> out) override {
    const Owned<bitstream> bits(stream_open(out.data(), out.size()));
    const auto field = field_of(in, sides_);
    const auto stream = open(bits.get());
    const size_t bytes = zfp_compress(stream.get(), field.get());
    if (bytes == 0) throw Error("zfp could not compress");
    return static_cast<int64_t>(bytes);
  }
  void decode(std::span<const std::byte> in, float* out) override {
    const Owned<bitstream> bits(stream_open(const_cast<std::byte*>(in.data()), in.size()));  // NOLINT: only read
    const auto field = field_of(out, sides_);
    const auto stream = open(bits.get());
    if (zfp_decompress(stream.get(), field.get()) == 0) throw Error("zfp could not decompress");
  }

 private:
  // Null: to ask for sizes.
  Owned<zfp_stream> open(bitstream* bits) const {
    Owned<zfp_stream> stream(zfp_stream_open(bits));
    zfp_stream_set_accuracy(stream.get(), tolerance_);
    zfp_stream_set_execution(stream.get(), zfp_exec_serial);
    if (bits != nullptr) zfp_stream_rewind(stream.get());
    return stream;
  }

  double tolerance_;
  Sides sides_;
};

// The sides of the grid, the rest in the last one: at most `dimensions`, fewer where the grid has fewer.
Sides sides_of(const Grid& grid, size_t dimensions) {
  Sides sides;
  for (const int64_t side : {grid.inner, grid.sides[2], grid.sides[1], grid.sides[0], grid.outer}) {
    if (side == 1) continue;
    if (sides.size() < dimensions)
      sides.push_back(static_cast<size_t>(side));
    else
      sides.back() *= static_cast<size_t>(side);
  }
  if (sides.empty()) sides.push_back(1);
  return sides;
}

}  // namespace

std::unique_ptr<Peer> make_zfp(std::span<const float> values, const std::optional<Grid>& grid, double tolerance) {
  const Grid all = grid.value_or(Grid{1, {1, 1, static_cast<int64_t>(values.size())}, 1, 1});
  std::unique_ptr<Peer> best;
  int64_t least = INT64_MAX;
  for (const size_t dimensions : {1, 2, 3}) {
    auto zfp = std::make_unique<Zfp>(tolerance, sides_of(all, dimensions));
    std::vector<std::byte> room(static_cast<size_t>(zfp->room_bytes()));
    const int64_t bytes = zfp->encode(values.data(), room);
    if (bytes >= least) continue;
    least = bytes;
    best = std::move(zfp);
  }
  return best;
}

}  // namespace cinch::bench
