// An input cache on its way into its file: samples become blocks wherever they are at hand, and
// blocks go into one file between its header and its end.
#pragma once

#include <string>

#include "base/file.h"
#include "base/status.h"
#include "feature/cache_builder.h"
#include "feature/cache_format.h"

namespace fmtrain {

// Blocks as they stand in a file.
struct cache_blocks {
  std::string bytes;
  uint64_t samples = 0;
  uint64_t blocks = 0;
};

// One thread's.
class cache_packer {
 public:
  explicit cache_packer(const cache_header& header)
      : packing_(header.packing), builder_(header.names) {}

  // A block that is full is closed. `source`: what messages call the input.
  status add(const batch& in, const std::string& source);
  // Closes the open block; nothing happens where there is none.
  status close_block();
  // Of the open block.
  size_t features() const { return builder_.features(); }
  // The closed blocks, which are the caller's from then on.
  cache_blocks take();

 private:
  const codec packing_;
  cache_builder builder_;
  std::string source_, raw_, packed_;
  cache_blocks done_;
};

struct cache_totals {
  uint64_t samples = 0;
  uint64_t blocks = 0;
  uint64_t bytes = 0;
};

// Appears under its name when it is committed, or not at all.
class cache_file {
 public:
  // Writes the header.
  status open(const std::string& path, const cache_header& header);
  status write(const cache_blocks& blocks);
  // Writes the end.
  status commit(const std::string& comment);

  const cache_totals& totals() const { return totals_; }

 private:
  status put(const std::string& bytes);

  atomic_file file_;
  cache_totals totals_;
};

}  // namespace fmtrain
