#include "examples/data/idx_file.h"

#include <zlib.h>

#include <memory>

#include "examples/data/data_error.h"

namespace cinch::data {
namespace {

constexpr int64_t kMostBytes = int64_t{1} << 30;
constexpr uint8_t kUnsignedByte = 0x08;

class GzipFile {
 public:
  explicit GzipFile(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {
    if (file_ == nullptr) throw DataError(path + ": cannot be opened");
  }
  ~GzipFile() { gzclose(file_); }
  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;

  // How many of `size` bytes there were.
  int64_t read(uint8_t* out, int64_t size) {
    int64_t done = 0;
    while (done < size) {
      const auto part = static_cast<unsigned>(std::min<int64_t>(size - done, 1 << 20));
      const int got = gzread(file_, out + done, part);
      if (got < 0) throw DataError(path_ + ": damaged gzip data (" + reason() + ")");
      if (got == 0) break;
      done += got;
    }
    return done;
  }

  void expect_end() {
    uint8_t extra = 0;
    if (read(&extra, 1) != 0) throw DataError(path_ + ": longer than its header says");
    // A stream that was cut at the very end shows only here: as a missing check sum.
    int code = Z_OK;
    gzerror(file_, &code);
    if (code != Z_OK && code != Z_STREAM_END) throw DataError(path_ + ": damaged gzip data (" + reason() + ")");
  }

 private:
  std::string reason() {
    int code = Z_OK;
    const std::string text = gzerror(file_, &code);
    const size_t colon = text.rfind(": ");  // zlib puts the path in front
    return colon == std::string::npos ? text : text.substr(colon + 2);
  }

  std::string path_;
  gzFile file_;
};

}  // namespace

IdxArray read_idx_gz(const std::string& path, int dimensions) {
  GzipFile file(path);
  std::vector<uint8_t> header(4 + 4 * static_cast<size_t>(dimensions));
  if (file.read(header.data(), 4) != 4) throw DataError(path + ": shorter than an IDX header");
  if (header[0] != 0 || header[1] != 0 || header[2] != kUnsignedByte || header[3] != dimensions) {
    throw DataError(path + ": not an IDX file of unsigned bytes with " + std::to_string(dimensions) + " dimensions");
  }
  if (file.read(header.data() + 4, 4 * dimensions) != 4 * dimensions)
    throw DataError(path + ": shorter than an IDX header");

  IdxArray array;
  int64_t total = 1;
  for (int i = 0; i < dimensions; ++i) {
    const uint8_t* p = header.data() + 4 + 4 * i;
    const int64_t size = int64_t{p[0]} << 24 | int64_t{p[1]} << 16 | int64_t{p[2]} << 8 | int64_t{p[3]};
    if (size == 0) throw DataError(path + ": dimension " + std::to_string(i) + " is empty");
    if (size > kMostBytes / total) throw DataError(path + ": its header claims more than 1 GiB");
    total *= size;
    array.sizes.push_back(size);
  }
  array.values.resize(static_cast<size_t>(total));
  const int64_t got = file.read(array.values.data(), total);
  if (got != total) {
    throw DataError(path + ": holds " + std::to_string(got) + " values where its header says " + std::to_string(total));
  }
  file.expect_end();
  return array;
}

}  // namespace cinch::data
