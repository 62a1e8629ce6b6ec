#include <blosc.h>

#include "bench/peers/peer.h"
#include "cinch/error.h"

namespace cinch::bench {
namespace {

class Blosc final : public Peer {
 public:
  explicit Blosc(int64_t numel) : bytes_(static_cast<size_t>(numel) * sizeof(float)) {}

  nlohmann::json spec() const override {
    return {{"name", "blosc"},
            {"codec", kCodec},
            {"shuffle", "bits"},
            {"level", kLevel},
            {"version", BLOSC_VERSION_STRING}};
  }
  bool lossless() const override { return true; }
  int64_t room_bytes() const override { return static_cast<int64_t>(bytes_) + BLOSC_MAX_OVERHEAD; }
  int64_t encode(const float* in, std::span<std::byte> out) override {
    const int bytes =
        blosc_compress_ctx(kLevel, BLOSC_BITSHUFFLE, sizeof(float), bytes_, in, out.data(), out.size(), kCodec, 0, 1);
    if (bytes <= 0) throw Error("blosc could not compress");
    return bytes;
  }
  void decode(std::span<const std::byte> in, float* out) override {
    if (blosc_decompress_ctx(in.data(), out, bytes_, 1) != static_cast<int>(bytes_))
      throw Error("blosc could not decompress");
  }

 private:
  static constexpr const char* kCodec = "lz4";
  static constexpr int kLevel = 5;
  size_t bytes_;
};

}  // namespace

std::unique_ptr<Peer> make_blosc(int64_t numel) { return std::make_unique<Blosc>(numel); }

}  // namespace cinch::bench
