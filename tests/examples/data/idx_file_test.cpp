#include "examples/data/idx_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "examples/data/data_error.h"
#include "tests/support/scratch_folder.h"

namespace cinch::data {
namespace {

namespace fs = std::filesystem;

// gzip with one stored block: enough for tests, and needs no compressor.
std::string gzip(const std::string& plain) {
  uint32_t crc = 0xffffffffu;
  for (const char c : plain) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
  }
  crc = ~crc;
  const auto little = [](uint32_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> 8 * i & 255));
    return text;
  };
  const auto size = static_cast<uint32_t>(plain.size());
  return std::string("\x1f\x8b\x08\0\0\0\0\0\0\xff\x01", 11) + little(size, 2) + little(~size & 0xffff, 2) + plain +
         little(crc, 4) + little(size, 4);
}

class IdxFile : public testing::Test {
 protected:
  void write(const std::string& bytes) { std::ofstream(path_, std::ios::binary) << bytes; }
  // The message of the error, or "".
  std::string error_of(int dimensions) {
    try {
      read_idx_gz(path_.string(), dimensions);
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  }
  bool fails_with(const std::string& part, int dimensions = 2) {
    return error_of(dimensions).find(part) != std::string::npos;
  }

  const test::ScratchFolder folder_;
  const fs::path path_ = folder_ / "data.gz";
  const std::string good_ = std::string("\0\0\x08\x02\0\0\0\x02\0\0\0\x03", 12) + "abcdef";
};

TEST_F(IdxFile, ReadsSizesAndValues) {
  write(gzip(good_));
  const IdxArray array = read_idx_gz(path_.string(), 2);
  EXPECT_EQ(array.sizes, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(std::string(array.values.begin(), array.values.end()), "abcdef");
}

TEST_F(IdxFile, NamesAMissingFile) {
  EXPECT_TRUE(fails_with(path_.string()));
  EXPECT_TRUE(fails_with("cannot be opened"));
}

TEST_F(IdxFile, RefusesAnotherNumberOfDimensions) {
  write(gzip(good_));
  EXPECT_TRUE(fails_with("not an IDX file", 1));
}

TEST_F(IdxFile, RefusesAnotherElementType) {
  std::string floats = good_;
  floats[2] = 0x0d;
  write(gzip(floats));
  EXPECT_TRUE(fails_with("not an IDX file"));
}

TEST_F(IdxFile, RefusesFewerValuesThanItsHeaderSays) {
  write(gzip(good_.substr(0, good_.size() - 1)));
  EXPECT_TRUE(fails_with("holds 5 values where its header says 6"));
}

TEST_F(IdxFile, RefusesMoreValuesThanItsHeaderSays) {
  write(gzip(good_ + "x"));
  EXPECT_TRUE(fails_with("longer than its header says"));
}

TEST_F(IdxFile, RefusesAHeaderThatClaimsTheWorld) {
  std::string huge = good_;
  for (int i = 4; i < 12; ++i) huge[static_cast<size_t>(i)] = '\xff';
  write(gzip(huge));
  EXPECT_TRUE(fails_with("claims more than 1 GiB"));
}

TEST_F(IdxFile, RefusesAnEmptyDimension) {
  std::string none = good_;
  none[7] = 0;
  write(gzip(none));
  EXPECT_TRUE(fails_with("is empty"));
}

TEST_F(IdxFile, RefusesEveryTruncation) {
  const std::string whole = gzip(good_);
  for (size_t size = 0; size < whole.size(); ++size) {
    write(whole.substr(0, size));
    EXPECT_NE(error_of(2), "") << size << " of " << whole.size() << " bytes";
  }
}

TEST_F(IdxFile, RefusesEveryFlippedByteOfTheData) {
  const std::string whole = gzip(good_);
  for (size_t i = 15; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    write(damaged);
    EXPECT_NE(error_of(2), "") << "byte " << i;
  }
}

TEST_F(IdxFile, RefusesAFileThatIsNotCompressed) {
  write("just some text that is long enough for a header");
  EXPECT_TRUE(fails_with("not an IDX file"));
}

}  // namespace
}  // namespace cinch::data
