#include "planner/file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
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

namespace {

// A file that is about to be replaced: the temporary one beside it.
struct Replacement {
  std::filesystem::path target, temporary;
  std::optional<mode_t> mode;  // of the old file
  int descriptor = -1;
};

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error("'" + path + "' cannot be written: " + why);
}

Replacement begin_replacing(const std::string& path) {
  static std::atomic<unsigned> counter{0};
  if (path.empty()) refuse(path, "it is no file name");
  std::error_code error;
  Replacement result;
  result.target = std::filesystem::weakly_canonical(path, error);
  if (error) refuse(path, error.message());
  struct stat old {};
  const bool exists = ::stat(result.target.c_str(), &old) == 0;
  if (exists && S_ISDIR(old.st_mode)) refuse(path, "it is a folder");
  if (exists && !S_ISREG(old.st_mode)) refuse(path, "it is not a regular file");
  if (exists) result.mode = old.st_mode & 07777;
  result.temporary =
      result.target.parent_path() / (std::string(".") + result.target.filename().string() + std::string(".") +
                                     std::to_string(::getpid()) + "." + std::to_string(counter++) + ".tmp");
  result.descriptor = ::open(result.temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (result.descriptor < 0) refuse(path, std::strerror(errno));
  return result;
}

}  // namespace

void check_file_can_be_written(const std::string& path) {
  const Replacement replacement = begin_replacing(path);
  ::close(replacement.descriptor);
  ::unlink(replacement.temporary.c_str());
}

void write_file_atomically(const std::string& path, const std::string& content) {
  const Replacement replacement = begin_replacing(path);
  const auto& [target, temporary, mode, descriptor] = replacement;
  Descriptor file(descriptor);
  const bool written = (!mode || ::fchmod(file.get(), *mode) == 0) && write_all(file.get(), content) &&
                       ::fsync(file.get()) == 0 && file.close() && ::rename(temporary.c_str(), target.c_str()) == 0;
  if (!written) {
    const int why = errno;
    ::unlink(temporary.c_str());
    refuse(path, std::strerror(why));
  }
  // The rename itself survives a crash only when the folder is on disk; some file systems refuse, which loses nothing
  // else.
  Descriptor directory(::open(target.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) ::fsync(directory.get());
}

}  // namespace cinch::planner
