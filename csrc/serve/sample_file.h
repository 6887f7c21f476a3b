// Samples of what was shown, in an input cache that `fmtrain fit` reads.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/status.h"
#include "feature/batch.h"
#include "feature/cache_file.h"
#include "serve/snapshots.h"

namespace fmtrain {

// Of a label: what a learner takes.
inline bool is_label(float label) { return label >= 0 && label <= 1; }

// Usage: open, add from any threads, close. Destroyed before it was closed, or after an error, it
// leaves no file. Packed by no codec, so that nothing but libc is needed.
class sample_file {
 public:
  explicit sample_file(uint32_t hash_seed);
  status open(const std::string& path);
  // Its key is "REQUEST_ID ITEM_ID". A sample that could not be read back is refused; after an
  // error of writing all are, and so is the closing.
  status add(std::string_view request_id, const snapshot_sample& sample);
  // The file appears under its name.
  status close();

 private:
  // Whether the file is whole so far.
  status check() const;
  // Makes it the batch's only sample.
  status take_in(std::string_view request_id, const snapshot_sample& sample);
  status write_block();

  const cache_header header_;
  std::mutex lock_;  // guards all below
  std::string path_;
  cache_packer packer_;
  cache_file file_;
  batch one_;  // a sample on its way
  std::string key_;
  uint64_t samples_ = 0;
  status failed_;         // the first error of writing
  bool writing_ = false;  // stays where std::bad_alloc came in between
};

}  // namespace fmtrain
