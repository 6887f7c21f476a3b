#include "io/chunk_reader.h"

#include <algorithm>
#include <cstring>

#include "base/file.h"

namespace fmtrain {
namespace {

uint64_t count_newlines(const char* p, size_t size) {
  uint64_t lines = 0;
  const char* const last = p + size;
  while (p < last) {
    p = static_cast<const char*>(std::memchr(p, '\n', static_cast<size_t>(last - p)));
    if (p == nullptr) break;
    ++lines;
    ++p;
  }
  return lines;
}

}  // namespace

chunk buffer_pool::take(size_t capacity, size_t padding) {
  {
    const std::lock_guard<std::mutex> hold(lock_);
    if (!free_.empty() && free_.back().capacity == capacity) {
      chunk reused = std::move(free_.back());
      free_.pop_back();
      return reused;
    }
  }
  chunk fresh;
  fresh.data.reset(new char[capacity + padding]);
  fresh.capacity = capacity;
  // What lies behind the last line is loaded but never used; keep it defined all the same.
  std::memset(fresh.data.get() + capacity, 0, padding);
  return fresh;
}

void buffer_pool::give(chunk&& used) {
  // Only the ordinary size comes back: one long line must not keep its megabytes forever.
  if (used.capacity != chunk_bytes) return;
  used.size = 0;
  used.too_long.clear();
  used.source.reset();
  used.header.reset();
  used.header_bytes = 0;
  const std::lock_guard<std::mutex> hold(lock_);
  free_.push_back(std::move(used));
}

chunk_reader::chunk_reader(size_t line_bytes_max, size_t padding_bytes, buffer_pool& pool)
    : line_bytes_max_(line_bytes_max), padding_(padding_bytes), pool_(pool) {}

void chunk_reader::begin(std::string name, uint64_t first_line, bool header) {
  name_ = std::make_shared<const std::string>(std::move(name));
  header_.reset();
  header_is_next_ = header;
  line_ = first_line;
  skipping_ = false;
  ended_inside_a_line_ = false;
}

char* chunk_reader::room(size_t* size) {
  if (open_.data == nullptr) {
    open_ = pool_.take(pool_.chunk_bytes, padding_);
    open_.size = 0;
    searched_ = 0;
  }
  *size = open_.capacity - open_.size;
  return open_.data.get() + open_.size;
}

status chunk_reader::read(int fd, size_t* got) {
  size_t size = 0;
  char* const at = room(&size);
  FMTRAIN_TRY(read_some(fd, at, size, *name_, got));
  accept(*got);
  return {};
}

size_t chunk_reader::append(const char* data, size_t size) {
  size_t fits = 0;
  char* const at = room(&fits);
  const size_t taken = std::min(size, fits);
  std::memcpy(at, data, taken);
  accept(taken);
  return taken;
}

void chunk_reader::accept(size_t size) {
  open_.size += size;
  bytes_ += size;
  if (skipping_) skip_to_newline();
  if (open_.size == open_.capacity) make_room();
}

void chunk_reader::skip_to_newline() {
  char* const data = open_.data.get();
  const void* const newline = std::memchr(data, '\n', open_.size);
  if (newline == nullptr) {
    open_.size = 0;
    return;
  }
  const size_t rest_at = static_cast<size_t>(static_cast<const char*>(newline) - data) + 1;
  open_.size -= rest_at;
  std::memmove(data, data + rest_at, open_.size);
  ++line_;
  skipping_ = false;
  searched_ = 0;
}

// The buffer is full: cut it after its last newline, or, inside a long line, double it.
void chunk_reader::make_room() {
  const char* const data = open_.data.get();
  const void* const newline = ::memrchr(data + searched_, '\n', open_.size - searched_);
  if (newline != nullptr) {
    cut(static_cast<size_t>(static_cast<const char*>(newline) - data) + 1);
    return;
  }
  searched_ = open_.size;
  if (open_.capacity >= line_bytes_max_) {
    too_long_.push_back(line_);
    skipping_ = true;
    header_is_next_ = false;  // a header that is too long is no header; nor is the line behind it
    open_.size = 0;
    searched_ = 0;
    return;
  }
  chunk larger = pool_.take(open_.capacity * 2, padding_);
  std::memcpy(larger.data.get(), data, open_.size);
  larger.size = open_.size;
  pool_.give(std::move(open_));
  open_ = std::move(larger);
}

// Closes the first `size` bytes as a chunk; the rest starts the next one.
void chunk_reader::cut(size_t size) {
  chunk full = std::move(open_);
  const size_t rest = full.size - size;
  size_t capacity = pool_.chunk_bytes;
  while (capacity <= rest) capacity *= 2;
  open_ = pool_.take(capacity, padding_);
  std::memcpy(open_.data.get(), full.data.get() + size, rest);
  open_.size = rest;
  searched_ = rest;
  full.size = size;
  full.first_line = line_;
  full.source = name_;
  full.number = chunks_++;
  full.too_long.swap(too_long_);
  line_ += count_newlines(full.data.get(), full.size);
  if (header_is_next_) take_header(full);
  full.header = header_;
  ready_.push_back(std::move(full));
}

void chunk_reader::take_header(chunk& first) {
  const auto* const newline =
      static_cast<const char*>(std::memchr(first.data.get(), '\n', first.size));
  if (newline == nullptr) return;
  first.header_bytes = static_cast<size_t>(newline - first.data.get()) + 1;
  auto line = std::make_shared<std::string>(first.data.get(), first.header_bytes);
  line->reserve(line->size() + padding_);
  header_ = std::move(line);
  header_is_next_ = false;
}

bool chunk_reader::next(bool flush, chunk* out) {
  if (ready_.empty() && flush && open_.size > 0) {
    const void* const newline = ::memrchr(open_.data.get(), '\n', open_.size);
    if (newline != nullptr) {
      cut(static_cast<size_t>(static_cast<const char*>(newline) - open_.data.get()) + 1);
    }
  }
  if (ready_.empty()) return false;
  *out = std::move(ready_.front());
  ready_.pop_front();
  return true;
}

void chunk_reader::end() {
  if (skipping_) {
    skipping_ = false;
    ended_inside_a_line_ = true;
  }
  if (open_.data == nullptr) {
    size_t size = 0;
    room(&size);
  }
  ended_inside_a_line_ |= open_.size > 0 && open_.data[open_.size - 1] != '\n';
  if (open_.size > 0 && open_.data[open_.size - 1] != '\n') open_.data[open_.size++] = '\n';
  // A chunk may be all skipped lines: it still has to carry their numbers to the log.
  if (open_.size > 0 || !too_long_.empty()) cut(open_.size);
}

}  // namespace fmtrain
