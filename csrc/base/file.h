// Bytes out and bytes in. A file appears under its name whole or not at all: it is written to a
// temporary name beside it, fsynced, renamed, and the directory fsynced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "base/status.h"

namespace fmtrain {

// Where a writer puts its bytes: a file or memory.
class byte_sink {
 public:
  virtual ~byte_sink() = default;
  virtual status write(const void* data, size_t size) = 0;
};

class memory_sink : public byte_sink {
 public:
  status write(const void* data, size_t size) override;
  std::string bytes;
};

// An open descriptor, which is not closed.
class descriptor_sink : public byte_sink {
 public:
  descriptor_sink(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  status write(const void* data, size_t size) override;

 private:
  const int fd_;
  const std::string name_;
};

// Usage: open, write..., commit. Destroyed before commit it removes the temporary file.
class atomic_file : public byte_sink {
 public:
  ~atomic_file() override;
  status open(const std::string& path);
  status write(const void* data, size_t size) override;
  status commit();

 private:
  status flush();

  std::string path_, temporary_;
  std::string buffer_;
  int fd_ = -1;
};

// write(sink) -> status: what it writes is the file, or there is none.
template <class Write>
status write_whole(const std::string& path, const Write& write) {
  atomic_file file;
  FMTRAIN_TRY(file.open(path));
  FMTRAIN_TRY(write(file));
  return file.commit();
}

// Where a reader takes its bytes from: reads exactly `size`, or says how the file falls short.
class byte_source {
 public:
  virtual ~byte_source() = default;
  // *got < size only at the end of the input.
  virtual status read(void* data, size_t size, size_t* got) = 0;
  // How many bytes there are in all, 0 where that is not known.
  virtual uint64_t bytes() const { return 0; }
};

class file_source : public byte_source {
 public:
  ~file_source() override;
  // May be opened again, for another file or from its start.
  status open(const std::string& path);
  status read(void* data, size_t size, size_t* got) override;
  uint64_t bytes() const override;

 private:
  std::string path_;
  int fd_ = -1;
};

class memory_source : public byte_source {
 public:
  memory_source(const char* data, size_t size) : data_(data), left_(size), bytes_(size) {}
  status read(void* data, size_t size, size_t* got) override;
  uint64_t bytes() const override { return bytes_; }

 private:
  const char* data_;
  size_t left_;
  const size_t bytes_;
};

// One read(2) of at most `size` bytes; an interrupted one goes on. *got = 0 at the end.
status read_some(int fd, void* data, size_t size, const std::string& name, size_t* got);

// Writes all of it to an open descriptor; an interrupted or short write goes on.
status write_all(int fd, const void* data, size_t size, const std::string& name);

// "PATH: cannot VERB: REASON" from errno.
status errno_status(const std::string& path, const char* verb, int error);

}  // namespace fmtrain
