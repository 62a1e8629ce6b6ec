#include "bench/codec_dump.h"

#include <torch/torch.h>

#include <filesystem>
#include <fstream>

#include "bench/codec_cases.h"
#include "cinch/error.h"
#include "examples/results/document.h"

namespace cinch::bench {
namespace {

namespace fs = std::filesystem;

// Sides of the grid, slowest first, those of one position left out.
std::vector<int64_t> shape_of(const Activation& a) {
  if (!a.grid) return {a.values.numel()};
  std::vector<int64_t> shape;
  for (const int64_t side : {a.grid->outer, a.grid->sides[0], a.grid->sides[1], a.grid->sides[2], a.grid->inner})
    if (side > 1) shape.push_back(side);
  return shape.empty() ? std::vector<int64_t>{1} : shape;
}

}  // namespace

SuiteResult write_activations(const std::vector<Activation>& activations, const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(folder + ": cannot be made: " + error.message());
  SuiteResult result;
  result.columns = {"file", "model", "source", "shape", "sigma", "raw_bytes"};
  for (const Activation& a : activations) {
    const std::string file = std::to_string(result.rows.size() + 100).substr(1) + ".f32";
    const fs::path path = fs::path(folder) / file;
    std::ofstream out(path, std::ios::binary);
    out.write(static_cast<const char*>(a.values.const_data_ptr()), static_cast<std::streamsize>(a.values.nbytes()));
    out.close();
    if (!out) throw Error(path.string() + ": cannot be written");
    result.rows.push_back({{"file", file},
                           {"model", a.model},
                           {"source", a.source},
                           {"dtype", "float32"},
                           {"shape", shape_of(a)},
                           {"sigma", sigma_of(a.values)},
                           {"raw_bytes", a.values.nbytes()}});
  }
  results::write_document(results::make_document("activations", result.rows),
                          (fs::path(folder) / "index.json").string());
  return result;
}

}  // namespace cinch::bench
