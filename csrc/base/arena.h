// Memory that is only ever added to and freed at once. Slabs double up to 64 MiB, so a small model
// stays small; large slabs ask the kernel for huge pages: in a table of gigabytes every cold access
// is a TLB miss, and a huge page makes it one level shorter. Pages are touched only as they fill.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace fmtrain {

class arena {
 public:
  // `bytes` aligned to 64; any thread. Throws std::bad_alloc.
  char* take(size_t bytes);

 private:
  struct free_memory {
    void operator()(char* p) const;
  };

  static constexpr size_t slab_bytes_min = size_t{1} << 20;
  static constexpr size_t slab_bytes_max = size_t{64} << 20;

  std::mutex lock_;
  std::vector<std::unique_ptr<char[], free_memory>> slabs_;
  size_t slab_bytes_ = slab_bytes_min / 2;
  char* at_ = nullptr;
  size_t left_ = 0;
};

}  // namespace fmtrain
