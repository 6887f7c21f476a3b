// Memory that is only ever added to and freed at once. Slabs double up to 64 MiB, so a small model
// stays small; large slabs ask the kernel for huge pages: in a table of gigabytes every cold access
// is a TLB miss, and a huge page makes it one level shorter. Pages are touched only as they fill.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

namespace fmtrain {

// Zeroed memory, aligned to 64. Large blocks come from the kernel and go back to it; from two
// megabytes on they ask for huge pages. Throws std::bad_alloc.
char* allocate_pages(size_t bytes);
void free_pages(char* memory, size_t bytes);
// Of a part of large memory: whole pages within go back to the kernel, and are zeros when they are
// next touched. What it held is lost.
void give_back_pages(char* memory, size_t bytes);

class arena {
 public:
  arena() = default;
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;
  ~arena();
  // `bytes` of zeros aligned to 64; any thread. Throws std::bad_alloc.
  char* take(size_t bytes);

 private:
  struct slab {
    char* memory;
    size_t bytes;
  };

  static constexpr size_t slab_bytes_min = size_t{2} << 20;
  static constexpr size_t slab_bytes_max = size_t{64} << 20;

  std::mutex lock_;
  std::vector<slab> slabs_;
  size_t slab_bytes_ = slab_bytes_min / 2;
  char* at_ = nullptr;
  size_t left_ = 0;
};

}  // namespace fmtrain
