#include <ATen/Context.h>
#include <dlfcn.h>
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "examples/data/data_error.h"
#include "examples/data/data_set.h"

namespace cinch::data {
namespace {

namespace fs = std::filesystem;

std::string read_file(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) throw DataError(path + ": not a readable text file");
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || text.fail()) throw DataError(path + ": cannot be read");
  return text.str();
}

// The headers of the very library that this process runs with: lib/../include.
std::string read_torch_headers() {
  Dl_info info{};
  const auto symbol = reinterpret_cast<const void*>(&at::globalContext);
  if (dladdr(symbol, &info) == 0 || info.dli_fname == nullptr) {
    throw DataError("the folder of LibTorch's headers cannot be found; give a text with --text FILE");
  }
  const fs::path folder = fs::path(info.dli_fname).parent_path().parent_path() / "include/torch/csrc/api/include";
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".h") files.push_back(it->path());
  }
  if (files.empty()) {
    throw DataError(folder.string() + ": LibTorch's headers are not there; give a text with --text FILE");
  }
  std::sort(files.begin(), files.end());
  std::string text;
  for (const fs::path& file : files) text += read_file(file.string());
  return text;
}

class Text : public DataSet {
 public:
  Text(const std::string& text, const std::string& name, int64_t context) : context_(context) {
    if (context < 1) throw DataError(name + ": the context must be at least one character");
    std::array<int, 256> code{};
    for (const char c : text) code[static_cast<uint8_t>(c)] = 1;
    for (int& c : code) c = c != 0 ? vocabulary_++ : -1;
    codes_.reserve(text.size());
    for (const char c : text) codes_.push_back(static_cast<uint8_t>(code[static_cast<uint8_t>(c)]));

    const auto windows = (static_cast<int64_t>(codes_.size()) - 1) / context;
    test_ = windows / 10;
    train_ = windows - test_;
    if (test_ < 1) {
      throw DataError(name + ": " + std::to_string(text.size()) + " characters are too few; at least " +
                      std::to_string(10 * context + 1) + " are needed");
    }
  }

  models::DataKind kind() const override { return models::DataKind::kText; }
  models::ModelOptions model_options() const override {
    return {.data = kind(), .vocabulary = vocabulary_, .context = context_};
  }
  int64_t train_size() const override { return train_; }
  int64_t test_size() const override { return test_; }

 private:
  models::Batch empty(int64_t size) const override {
    return {torch::empty({size, context_}, torch::kInt64), torch::empty({size, context_}, torch::kInt64)};
  }

  void fill(int64_t window, models::Batch& batch, int64_t at) const override {
    const uint8_t* from = codes_.data() + window * context_;
    std::copy(from, from + context_, batch.input.data_ptr<int64_t>() + at * context_);
    std::copy(from + 1, from + context_ + 1, batch.target.data_ptr<int64_t>() + at * context_);
  }

  int64_t context_, train_ = 0, test_ = 0;
  int vocabulary_ = 0;
  std::vector<uint8_t> codes_;
};

}  // namespace

std::unique_ptr<DataSet> make_text(const std::string& text, const std::string& name, int64_t context) {
  return std::make_unique<Text>(text, name, context);
}

std::unique_ptr<DataSet> load_text(const std::string& path, int64_t context) {
  return path.empty() ? make_text(read_torch_headers(), "LibTorch's headers", context)
                      : make_text(read_file(path), path, context);
}

}  // namespace cinch::data
