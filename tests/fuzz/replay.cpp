// The fuzzers' functions without a fuzzer, for every compiler: all seeds, each with a few changes that a number
// decides, on every instruction set; and saved inputs, whose defects were mended.
//
//   replay [--changes N] [FOLDER]    FOLDER has decode/ and encode/, a file an input
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "src/backend/cpu/isa.h"
#include "src/core/mix.h"
#include "tests/fuzz/slot_seeds.h"

namespace cinch::fuzz {
namespace {

using Run = void (*)(std::span<const std::byte>);

constexpr size_t kHeadBytes = 8, kWay = 3;  // see Head

struct Replay {
  int64_t runs = 0, defects = 0;

  void once(const Seed& seed, Run run) {
    ++runs;
    try {
      run(seed.bytes);
    } catch (const std::exception& e) {
      ++defects;
      std::printf("%s: %s\n", seed.name.c_str(), e.what());
    }
  }
  // On each instruction set against the next one.
  void everywhere(Seed seed, Run run) {
    for (size_t way = 0; way < backend::instruction_sets().size(); ++way) {
      if (seed.bytes.size() > kWay) seed.bytes[kWay] = static_cast<std::byte>(way);
      once(seed, run);
    }
  }
  // One to eight bytes change; half of the changes fall on the first 200, where headers are.
  void changed(const Seed& seed, int changes, Run run) {
    for (int k = 1; k <= changes; ++k) {
      Seed next{seed.name + ", change " + std::to_string(k), seed.bytes};
      uint64_t random = mix64(static_cast<uint64_t>(k));
      for (uint64_t n = random % 8 + 1; n > 0; --n) {
        random = mix64(random);
        const size_t from = kHeadBytes, most = next.bytes.size() - from;
        const size_t reach = (random & 1) != 0 ? std::min<size_t>(most, 200) : most;
        if (reach == 0) continue;
        const size_t at = from + (random >> 16) % reach;
        next.bytes[at] = (random & 2) != 0 ? next.bytes[at] ^ static_cast<std::byte>(1u << (random >> 8) % 8)
                                           : static_cast<std::byte>(random >> 8);
      }
      next.bytes[kWay] = static_cast<std::byte>(k);
      once(next, run);
    }
  }
};

std::vector<Seed> saved(const std::filesystem::path& folder) {
  std::vector<Seed> seeds;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    const auto all = std::as_bytes(std::span(bytes));
    seeds.push_back({entry.path().string(), {all.begin(), all.end()}});
  }
  return seeds;
}

int run(int changes, const char* folder) {
  std::vector<Seed> decodes = decode_seeds();
  for (Seed& seed : slot_seeds()) decodes.push_back(std::move(seed));
  const std::vector<Seed> encodes = encode_seeds();
  Replay replay;
  for (const Seed& seed : decodes) replay.everywhere(seed, run_decode);
  for (const Seed& seed : encodes) replay.everywhere(seed, run_encode);
  if (folder != nullptr) {
    for (const Seed& seed : saved(std::filesystem::path(folder) / "decode")) replay.everywhere(seed, run_decode);
    for (const Seed& seed : saved(std::filesystem::path(folder) / "encode")) replay.everywhere(seed, run_encode);
  }
  for (const Seed& seed : decodes) replay.changed(seed, changes, run_decode);
  for (const Seed& seed : encodes) replay.changed(seed, changes, run_encode);
  std::printf("%lld inputs, %lld defects\n", static_cast<long long>(replay.runs),
              static_cast<long long>(replay.defects));
  return replay.defects == 0 && replay.runs > 0 ? 0 : 1;
}

}  // namespace
}  // namespace cinch::fuzz

int main(int argc, char** argv) try {
  int changes = 0, next = 1;
  if (next + 1 < argc && std::string(argv[next]) == "--changes") {
    changes = std::atoi(argv[next + 1]);
    next += 2;
  }
  return cinch::fuzz::run(changes, next < argc ? argv[next] : nullptr);
} catch (const std::exception& e) {
  std::fprintf(stderr, "replay: %s\n", e.what());
  return 2;
}
