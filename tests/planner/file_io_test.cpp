#include "planner/file_io.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "cinch/error.h"
#include "tests/support/scratch_folder.h"

namespace cinch::planner {
namespace {

namespace fs = std::filesystem;

class FileIo : public ::testing::Test {
 protected:
  std::string path(const char* name) const { return (folder_ / name).string(); }
  size_t files() const { return static_cast<size_t>(std::distance(fs::directory_iterator(folder_.path()), {})); }
  const test::ScratchFolder folder_;
};

TEST_F(FileIo, ReplacesAFileAndLeavesNothingElseBehind) {
  write_file_atomically(path("a.json"), "old");
  write_file_atomically(path("a.json"), "new content");
  EXPECT_EQ(read_file(path("a.json")), "new content");
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileIo, KeepsPermissionsAndFollowsLinks) {
  write_file_atomically(path("real"), "old");
  ASSERT_EQ(::chmod(path("real").c_str(), 0640), 0);
  fs::create_symlink("real", path("link"));
  write_file_atomically(path("link"), "new");
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(read_file(path("real")), "new");
  struct stat info {};
  ASSERT_EQ(::stat(path("real").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST_F(FileIo, RefusesFoldersDevicesAndMissingFolders) {
  EXPECT_THROW(write_file_atomically(folder_.path(), "x"), Error);
  EXPECT_THROW(write_file_atomically("/dev/null", "x"), Error);
  EXPECT_THROW(write_file_atomically(path("no/such/folder/a"), "x"), Error);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_EQ(files(), 0u);
}

TEST_F(FileIo, AFailedWriteLeavesTheOldFileAndNoOther) {
  write_file_atomically(path("a"), "old");
  // No file may grow beyond 4 KiB: the write itself fails. In a child, since the limit cannot be lifted again.
  const auto child = [&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    try {
      write_file_atomically(path("a"), std::string(100'000, 'x'));
    } catch (const Error&) {
      ::_exit(0);
    }
    ::_exit(1);
  };
  EXPECT_EXIT(child(), ::testing::ExitedWithCode(0), "");
  EXPECT_EQ(read_file(path("a")), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileIo, ReadsLargeFilesWhole) {
  const std::string content(300'001, 'x');
  write_file_atomically(path("large"), content);
  EXPECT_EQ(read_file(path("large")), content);
}

TEST_F(FileIo, AnUnreadableFileIsAJsonErrorThatNamesIt) {
  try {
    read_file(path("absent"));
    FAIL();
  } catch (const JsonError& error) {
    EXPECT_EQ(error.file(), path("absent"));
    EXPECT_NE(std::string(error.what()).find("No such file"), std::string::npos);
  }
}

}  // namespace
}  // namespace cinch::planner
