// Bytes in, chunks out. Knows no threads and no format: it is given a descriptor's bytes or a
// caller's, cuts after the last newline that fits, and carries the rest over. Memory is bounded: a
// line longer than `line_bytes_max` is skipped to its end without being stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "io/chunk.h"

namespace fmtrain {

// 512 KiB: small enough that eight workers share a few megabytes of input evenly, large enough that
// the queue costs nothing.
constexpr size_t chunk_bytes_default = size_t{512} << 10;

// Hands used buffers back to the reader: a fresh one costs a page fault every 4 KiB.
class buffer_pool {
 public:
  // Of a chunk, unless a line is longer; to be changed before anything is read.
  size_t chunk_bytes = chunk_bytes_default;

  chunk take(size_t capacity, size_t padding);
  void give(chunk&& used);

 private:
  std::mutex lock_;
  std::vector<chunk> free_;
};

class chunk_reader {
 public:
  static constexpr size_t chunk_bytes = chunk_bytes_default;

  chunk_reader(size_t line_bytes_max, size_t padding_bytes, buffer_pool& pool);

  // Starts a new input: lines are numbered from `first_line`. With `header` its first line is not
  // data: every chunk gets a copy of it, with the padding behind; none where it is too long.
  void begin(std::string name, uint64_t first_line = 1, bool header = false);

  // One read(2) of what fits. *got = 0 at the end of the input.
  status read(int fd, size_t* got);

  // Takes over some or all of the bytes; returns how many. Fewer than `size` means a chunk is
  // ready.
  size_t append(const char* data, size_t size);

  // Gives out the next chunk that is full or, with `flush`, whatever whole lines there are.
  bool next(bool flush, chunk* out);

  // The input is over: its last line needs no newline.
  void end();

  bool ended_inside_a_line() const { return ended_inside_a_line_; }
  uint64_t bytes() const { return bytes_; }

 private:
  char* room(size_t* size);
  void accept(size_t size);
  void skip_to_newline();
  void cut(size_t size);
  void take_header(chunk& first);
  void make_room();

  const size_t line_bytes_max_, padding_;
  buffer_pool& pool_;
  chunk open_;           // being filled; open_.size = bytes in it
  size_t searched_ = 0;  // bytes of open_ known to hold no newline
  bool skipping_ = false;
  bool ended_inside_a_line_ = false;
  uint64_t line_ = 1;  // number of the first line in open_
  uint64_t bytes_ = 0;
  uint64_t chunks_ = 0;
  std::vector<uint64_t> too_long_;
  std::shared_ptr<const std::string> name_, header_;
  bool header_is_next_ = false;
  std::deque<chunk> ready_;
};

}  // namespace fmtrain
