// SZ3 on one file of float32 values, for scripts/compare_sz3.py, which compiles this against SZ3's headers.
// compare_sz3 FILE BOUND ROUNDS SIDE...: absolute bound of errors, sides slowest first. Prints a JSON object a line:
// bytes of each setting that was tried, then figures of the interpolation predictor and of the best setting.
#include <SZ3/api/sz.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Setting {
  const char* name;
  SZ3::ALGO algorithm;
};
constexpr Setting kSettings[] = {{"interpolation", SZ3::ALGO_INTERP},
                                 {"interpolation and Lorenzo, tuned", SZ3::ALGO_INTERP_LORENZO},
                                 {"Lorenzo and regression", SZ3::ALGO_LORENZO_REG},
                                 {"no prediction", SZ3::ALGO_NOPRED}};

struct Try {
  Setting setting;
  std::vector<size_t> sides;
  size_t bytes = 0;
};

SZ3::Config config_of(const Try& t, double bound) {
  SZ3::Config config;
  config.setDims(t.sides.begin(), t.sides.end());
  config.errorBoundMode = SZ3::EB_ABS;
  config.absErrorBound = bound;
  config.cmprAlgo = t.setting.algorithm;
  config.openmp = false;
  return config;
}

// The `dimensions` fastest sides, those before them multiplied into the first.
std::vector<size_t> merged(const std::vector<size_t>& sides, size_t dimensions) {
  const auto cut = sides.end() - static_cast<std::ptrdiff_t>(dimensions) + 1;
  std::vector<size_t> out(cut, sides.end());
  out.insert(out.begin(), std::accumulate(sides.begin(), cut, size_t{1}, std::multiplies<>()));
  return out;
}

template <class Call>
double seconds(Call call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Best of interleaved rounds; memcpy of the same buffer beside it.
void report(const char* which, const Try& t, const std::vector<float>& values, double bound, int rounds) {
  const SZ3::Config config = config_of(t, bound);
  const size_t raw_bytes = values.size() * sizeof(float), room_bytes = SZ3::SZ_compress_size_bound<float>(config);
  std::vector<char> room(room_bytes);
  std::vector<float> decoded(values.size()), copy(values.size(), 1.0f);
  double encode = std::numeric_limits<double>::infinity(), decode = encode, copied = encode;
  for (int r = 0; r < rounds; ++r) {
    copied = std::min(copied, seconds([&] { std::memcpy(copy.data(), values.data(), raw_bytes); }));
    encode = std::min(encode, seconds([&] { SZ_compress<float>(config, values.data(), room.data(), room_bytes); }));
    decode = std::min(decode, seconds([&] {
                        SZ3::Config read;
                        float* out = decoded.data();
                        SZ_decompress<float>(read, room.data(), t.bytes, out);
                      }));
  }
  double squares = 0, most = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double e = std::abs(static_cast<double>(values[i]) - static_cast<double>(decoded[i]));
    most = std::max(most, e);
    squares += e * e;
  }
  const auto gbps = [&](double s) { return static_cast<double>(raw_bytes) / s / 1e9; };
  std::printf(
      "{\"which\": \"%s\", \"setting\": \"%s\", \"dimensions\": %zu, \"coded_bytes\": %zu, \"rmse\": %.9g, "
      "\"max_error\": %.9g, \"encode_gbps\": %.9g, \"decode_gbps\": %.9g, \"memcpy_gbps\": %.9g}\n",
      which, t.setting.name, t.sides.size(), t.bytes, std::sqrt(squares / static_cast<double>(values.size())), most,
      gbps(encode), gbps(decode), gbps(copied));
}

std::vector<float> read_values(const char* path, size_t count) {
  std::vector<float> values(count);
  std::ifstream in(path, std::ios::binary);
  in.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(count * sizeof(float)));
  if (!in || in.peek() != std::ifstream::traits_type::eof())
    throw std::runtime_error(std::string(path) + ": not the size that its sides say");
  return values;
}

int run(int argc, char** argv) {
  if (argc < 5) throw std::runtime_error("usage: compare_sz3 FILE BOUND ROUNDS SIDE...");
  const double bound = std::strtod(argv[2], nullptr);
  const int rounds = std::atoi(argv[3]);
  std::vector<size_t> sides;
  for (int i = 4; i < argc; ++i) sides.push_back(std::strtoull(argv[i], nullptr, 10));
  const std::vector<float> values =
      read_values(argv[1], std::accumulate(sides.begin(), sides.end(), size_t{1}, std::multiplies<>()));
  std::vector<Try> tries;
  for (const Setting& setting : kSettings) {
    for (size_t dimensions = sides.size(); dimensions >= 1; --dimensions) {
      Try t{setting, merged(sides, dimensions)};
      const SZ3::Config config = config_of(t, bound);
      std::vector<char> room(SZ3::SZ_compress_size_bound<float>(config));
      t.bytes = SZ_compress<float>(config, values.data(), room.data(), room.size());
      std::printf("{\"which\": \"tried\", \"setting\": \"%s\", \"dimensions\": %zu, \"coded_bytes\": %zu}\n",
                  setting.name, dimensions, t.bytes);
      tries.push_back(t);
    }
  }
  report("interpolation", tries.front(), values, bound, rounds);  // on the grid as it is
  const auto fewer = [](const Try& a, const Try& b) { return a.bytes < b.bytes; };
  report("best", *std::min_element(tries.begin(), tries.end(), fewer), values, bound, rounds);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "compare_sz3: %s\n", error.what());
    return 2;
  }
}
