#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace fmtrain {
namespace {

constexpr size_t buffer_bytes_max = 1 << 20;

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

status errno_status(const std::string& path, const char* verb, int error) {
  return {errc::io, path + ": cannot " + verb + ": " + std::strerror(error)};
}

status write_all(int fd, const void* data, size_t size, const std::string& name) {
  const char* p = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::write(fd, p, size);
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno_status(name, "write", errno);
    }
    p += written;
    size -= static_cast<size_t>(written);
  }
  return {};
}

status read_some(int fd, void* data, size_t size, const std::string& name, size_t* got) {
  ssize_t n;
  do {
    n = ::read(fd, data, size);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return errno_status(name, "read", errno);
  *got = static_cast<size_t>(n);
  return {};
}

status memory_sink::write(const void* data, size_t size) {
  bytes.append(static_cast<const char*>(data), size);
  return {};
}

status descriptor_sink::write(const void* data, size_t size) {
  return write_all(fd_, data, size, name_);
}

status memory_source::read(void* data, size_t size, size_t* got) {
  *got = std::min(size, left_);
  if (*got > 0) std::memcpy(data, data_, *got);
  data_ += *got;
  left_ -= *got;
  return {};
}

status atomic_file::open(const std::string& path) {
  struct stat existing;
  path_ = path;
  if (::stat(path.c_str(), &existing) == 0) {
    if (S_ISDIR(existing.st_mode)) return errno_status(path, "write", EISDIR);
    // Renaming over a device or a pipe would replace it.
    if (!S_ISREG(existing.st_mode)) {
      return {errc::io, path + ": cannot write: it is not a regular file"};
    }
    // A link stays a link: what it points to is replaced.
    char* const real = ::realpath(path.c_str(), nullptr);
    if (real == nullptr) return errno_status(path, "write", errno);
    path_ = real;
    std::free(real);
  }
  temporary_ = path_ + ".tmp." + std::to_string(::getpid());
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd_ < 0) return errno_status(path, "write", errno);
  return {};
}

status atomic_file::flush() {
  FMTRAIN_TRY(write_all(fd_, buffer_.data(), buffer_.size(), path_));
  buffer_.clear();
  return {};
}

status atomic_file::write(const void* data, size_t size) {
  if (buffer_.size() + size > buffer_bytes_max) FMTRAIN_TRY(flush());
  if (size >= buffer_bytes_max) return write_all(fd_, data, size, path_);
  buffer_.append(static_cast<const char*>(data), size);
  return {};
}

status atomic_file::commit() {
  FMTRAIN_TRY(flush());
  if (::fsync(fd_) != 0) return errno_status(path_, "write", errno);
  const int fd = fd_;
  fd_ = -1;
  if (::close(fd) != 0) {
    ::unlink(temporary_.c_str());
    return errno_status(path_, "write", errno);
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    return errno_status(path_, "write", error);
  }
  const int directory = ::open(directory_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return errno_status(path_, "write", errno);
  const int synced = ::fsync(directory);
  const int error = errno;
  ::close(directory);
  // Some file systems cannot fsync a directory (EINVAL): the rename is as durable as they allow.
  if (synced != 0 && error != EINVAL) return errno_status(path_, "write", error);
  return {};
}

atomic_file::~atomic_file() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

status file_source::open(const std::string& path) {
  if (fd_ >= 0) ::close(fd_);
  path_ = path;
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) return errno_status(path, "read", errno);
  return {};
}

uint64_t file_source::bytes() const {
  struct stat now;
  const bool regular = ::fstat(fd_, &now) == 0 && S_ISREG(now.st_mode);
  return regular ? static_cast<uint64_t>(now.st_size) : 0;
}

status file_source::read(void* data, size_t size, size_t* got) {
  *got = 0;
  while (*got < size) {
    size_t more = 0;
    FMTRAIN_TRY(read_some(fd_, static_cast<char*>(data) + *got, size - *got, path_, &more));
    if (more == 0) break;
    *got += more;
  }
  return {};
}

file_source::~file_source() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace fmtrain
