// Memory for the texts of one row: they do not move while the row lasts, and padding_bytes are
// readable behind each.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

#include "feature/hash.h"

namespace fmtrain {

class row_texts {
 public:
  // Forgets the row. Rows that needed several blocks get one for all of them.
  void clear() {
    if (blocks_.size() > 1) {
      blocks_.clear();
      add_block(all_);
    }
    used_ = 0;
  }

  // Room for `size` bytes at most; keep() says how many it became.
  char* room(size_t size) {
    if (blocks_.empty() || used_ + size > size_) {
      add_block(size + (size > block_bytes ? 0 : block_bytes));
      used_ = 0;
    }
    return blocks_.back().get() + used_;
  }
  void keep(size_t size) { used_ += size; }

  const char* copy(const char* text, size_t size) {
    char* const to = room(size);
    if (size > 0) std::memcpy(to, text, size);
    keep(size);
    return to;
  }

 private:
  static constexpr size_t block_bytes = 4096;

  void add_block(size_t size) {
    // Zeros, so that what is read behind the last text is something.
    blocks_.push_back(std::make_unique<char[]>(size + padding_bytes));
    size_ = size;
    all_ = blocks_.size() == 1 ? size : all_ + size;
  }

  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t size_ = 0;  // of the last block, without its padding
  size_t used_ = 0;  // of the last block
  size_t all_ = 0;   // of all blocks
};

}  // namespace fmtrain
