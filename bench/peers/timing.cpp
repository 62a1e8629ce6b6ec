#include <cstring>

#include "bench/aligned_buffer.h"
#include "bench/peers/peer.h"
#include "bench/rounds.h"
#include "bench/values.h"

namespace cinch::bench {

std::string missing_peers() {
  std::string missing;
  const float value = 1;
  if (!make_zfp({&value, 1}, {}, 1)) missing += "zfp is left out: built without libzfp (Debian: libzfp-dev). ";
  if (!make_blosc(1)) missing += "blosc is left out: built without libblosc (Debian: libblosc-dev). ";
  if (!missing.empty()) missing.pop_back();
  return missing;
}

CodecTiming time_peer(Peer& peer, std::span<const float> values, int rounds) {
  CodecTiming row;
  row.codec = peer.spec().dump();
  row.dtype = "float32";
  row.isa = "library's own";
  row.raw_bytes = static_cast<int64_t>(values.size_bytes());
  const int64_t room_bytes = peer.room_bytes();
  const AlignedBuffer room = make_aligned(room_bytes), first = make_aligned(row.raw_bytes),
                      last = make_aligned(row.raw_bytes), copy = make_aligned(row.raw_bytes);
  const std::span<std::byte> out(room.get(), static_cast<size_t>(room_bytes));
  const auto decode = [&](const AlignedBuffer& to) {
    peer.decode(out.first(static_cast<size_t>(row.coded_bytes)), reinterpret_cast<float*>(to.get()));
  };
  row.coded_bytes = peer.encode(values.data(), out);
  decode(first);
  const auto best = best_seconds(rounds, {[&] { std::memcpy(copy.get(), values.data(), values.size_bytes()); },
                                          [&] { peer.encode(values.data(), out); }, [&] { decode(last); }});
  row.memcpy_gbps = gbps(row.raw_bytes, best[0]);
  row.one_thread = {gbps(row.raw_bytes, best[1]), gbps(row.raw_bytes, best[2])};
  const Distance error = distance(values.data(), last.get(), static_cast<int64_t>(values.size()), DType::kFloat32);
  row.max_error = error.max_error;
  row.rms_error = error.rms_error;
  const std::byte* wanted = peer.lossless() ? reinterpret_cast<const std::byte*>(values.data()) : first.get();
  row.verified = std::memcmp(wanted, last.get(), values.size_bytes()) == 0;
  return row;
}

}  // namespace cinch::bench
