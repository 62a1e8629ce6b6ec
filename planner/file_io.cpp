#include "planner/file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "cinch/error.h"

namespace cinch::planner {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  /// close() may be the first to report a failed write.
  bool close() {
    const int fd = fd_;
    fd_ = -1;
    return ::close(fd) == 0;
  }

 private:
  int fd_;
};

bool write_all(int fd, const std::string& content) {
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

std::string read_file(const std::string& path) {
  const auto refuse = [&](const std::string& why) { throw JsonError(path, "", "cannot be read: " + why); };
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) refuse(std::strerror(errno));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) refuse(std::strerror(errno));
  if (S_ISDIR(info.st_mode)) refuse("it is a folder");
  if (!S_ISREG(info.st_mode)) refuse("it is not a regular file");
  std::string content;
  char buffer[65536];
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) refuse(std::strerror(errno));
    if (n == 0) return content;
    content.append(buffer, static_cast<size_t>(n));
  }
}

void write_file_atomically(const std::string& path, const std::string& content) {
  namespace fs = std::filesystem;
  static std::atomic<unsigned> counter{0};
  const auto refuse = [&](const std::string& why) { throw Error(path + " cannot be written: " + why); };

  std::error_code error;
  const fs::path target = fs::weakly_canonical(path, error);
  if (error) refuse(error.message());
  struct stat old {};
  const bool exists = ::stat(target.c_str(), &old) == 0;
  if (exists && S_ISDIR(old.st_mode)) refuse("it is a folder");
  if (exists && !S_ISREG(old.st_mode)) refuse("it is not a regular file");

  const fs::path folder = target.parent_path();
  const fs::path temporary = folder / (std::string(".") + target.filename().string() + std::string(".") +
                                       std::to_string(::getpid()) + "." + std::to_string(counter++) + ".tmp");
  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (file.get() < 0) refuse(std::strerror(errno));
  const bool written = (!exists || ::fchmod(file.get(), old.st_mode & 07777) == 0) && write_all(file.get(), content) &&
                       ::fsync(file.get()) == 0 && file.close() && ::rename(temporary.c_str(), target.c_str()) == 0;
  if (!written) {
    const int why = errno;
    ::unlink(temporary.c_str());
    refuse(std::strerror(why));
  }
  // The rename itself survives a crash only when the folder is on disk; some file systems refuse, which loses nothing
  // else.
  Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) ::fsync(directory.get());
}

}  // namespace cinch::planner
