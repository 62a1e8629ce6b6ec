// Damaged payloads in slots: dither's kernels, walked, and the CPU decode nothing out of bounds.
#include <cstring>
#include <random>
#include <string>

#include "cinch/error.h"
#include "tests/contract/rows.h"
#include "tests/warp/dither_walk.h"

namespace cinch::testing {
namespace {

using namespace cinch::codec;

const CodecContext kContext{7, 8, 9, &serial_executor(), nullptr};
uint64_t key() { return rng_key(kContext, kEntropyMagic); }
const auto kDither = make_codec({"dither", {{"step_sigma", 1.0}}});

TEST(DitherDamage, TheCpuRefusesWhatIsCutOffAndOtherSlots) {
  const int64_t n = 1000;
  const Buffer data = activations(n, 1, DType::kFloat32, false);
  for (const int64_t group_bytes : {int64_t{68}, int64_t{200}}) {
    const Buffer payload = walk_dither_encode({data.data(), n, DType::kFloat32}, {0.1, false, {n, group_bytes}}, key());
    Buffer out(n * 4);
    for (int64_t bytes = 0; bytes < payload.size(); bytes += 3)
      EXPECT_THROW(
          kDither->decode(payload.span().first(static_cast<size_t>(bytes)), out.data(), n, DType::kFloat32, kContext),
          CodecError);
    Header h;
    std::memcpy(&h, payload.data(), sizeof h);
    for (const int64_t other : {int64_t{0}, group_bytes - 4, group_bytes + 4, int64_t{1} << 30}) {
      h.words[3] = (h.words[3] & 0xffffffff) | other << 32;
      write_header(h, payload.span());
      EXPECT_THROW(kDither->decode(payload.span(), out.data(), n, DType::kFloat32, kContext), CodecError);
    }
  }
}

// The CPU refuses it, or finds some values.
void decode_damaged(const Buffer& payload, int64_t n, DType dtype) {
  Buffer out(n * dtype_bytes(dtype));
  try {
    kDither->decode(payload.span(), out.data(), n, dtype, kContext);
  } catch (const CodecError& e) {
    EXPECT_GT(std::string(e.what()).size(), 20u);
  }
  EXPECT_TRUE(out.intact());
}

// Noise in the place of a payload's body: some values, nothing outside of the output, an end.
TEST(DitherDamage, DamagedPayloadsAreHarmless) {
  std::mt19937 random(9);
  const int64_t n = 40'000;
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) {
    const Buffer data = activations(n, 1, dtype, false);
    const Buffer payload =
        walk_dither_encode({data.data(), n, dtype}, {1.0, false, slots_for(2.8, n, dtype_bytes(dtype))}, key());
    for (int round = 0; round < 40; ++round) {
      Buffer damaged(payload.data(), payload.size());
      const auto from = static_cast<uint32_t>(round % 2 == 0 ? lengths_offset() : chunks_offset(n));
      for (int k = 0; k < (round < 20 ? 40 : 20'000); ++k)
        damaged.data()[from + random() % (static_cast<uint32_t>(damaged.size()) - from)] =
            static_cast<std::byte>(random());
      walk_dither_decode(damaged, n, dtype);
      decode_damaged(damaged, n, dtype);
    }
  }
}

}  // namespace
}  // namespace cinch::testing
