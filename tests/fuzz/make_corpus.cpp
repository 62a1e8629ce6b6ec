// Writes the seeds as files, for fuzzers to start from: make_corpus FOLDER fills FOLDER/decode and FOLDER/encode.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>

#include "tests/fuzz/slot_seeds.h"

namespace {

void write(const std::filesystem::path& folder, const std::vector<cinch::fuzz::Seed>& seeds) {
  std::filesystem::create_directories(folder);
  for (const cinch::fuzz::Seed& seed : seeds) {
    std::ofstream file(folder / seed.name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(seed.bytes.data()), static_cast<std::streamsize>(seed.bytes.size()));
    if (!file.flush()) throw std::runtime_error("cannot write " + (folder / seed.name).string());
  }
  std::printf("%zu seeds in %s\n", seeds.size(), folder.c_str());
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_corpus FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  write(folder / "decode", cinch::fuzz::decode_seeds());
  write(folder / "decode", cinch::fuzz::slot_seeds());
  write(folder / "encode", cinch::fuzz::encode_seeds());
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "make_corpus: %s\n", e.what());
  return 1;
}
