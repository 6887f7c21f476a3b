#include "base/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace fmtrain {
namespace {

constexpr size_t alignment = 64;
constexpr size_t page_bytes = size_t{64} << 10;  // of any processor: a multiple of its own
constexpr size_t huge_page_bytes = size_t{2} << 20;
// Below, the heap serves well; above, memory must not stay in it when it is freed.
constexpr size_t mapped_bytes_min = size_t{256} << 10;

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

char* allocate_pages(size_t bytes) {
  if (bytes < mapped_bytes_min) {
    void* const memory = std::aligned_alloc(alignment, round_up(bytes, alignment));
    if (memory == nullptr) throw std::bad_alloc();
    std::memset(memory, 0, bytes);
    return static_cast<char*>(memory);
  }
  // A huge page needs its own alignment: ask for more and give back what lies before and behind.
  const bool huge = bytes >= huge_page_bytes;
  bytes = round_up(bytes, page_bytes);
  const size_t asked = bytes + (huge ? huge_page_bytes : 0);
  void* const mapped =
      ::mmap(nullptr, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  char* const first = static_cast<char*>(mapped);
  if (!huge) return first;
  const size_t before =
      round_up(reinterpret_cast<size_t>(first), huge_page_bytes) - reinterpret_cast<size_t>(first);
  if (before > 0) ::munmap(first, before);
  if (before < huge_page_bytes) ::munmap(first + before + bytes, huge_page_bytes - before);
  ::madvise(first + before, bytes, MADV_HUGEPAGE);
  return first + before;
}

void free_pages(char* memory, size_t bytes) {
  if (bytes < mapped_bytes_min) {
    std::free(memory);
  } else {
    ::munmap(memory, round_up(bytes, page_bytes));
  }
}

void give_back_pages(char* memory, size_t bytes) {
  const auto unit = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t first = round_up(reinterpret_cast<size_t>(memory), unit);
  const size_t last = (reinterpret_cast<size_t>(memory) + bytes) / unit * unit;
  if (first < last)
    ::madvise(memory + (first - reinterpret_cast<size_t>(memory)), last - first, MADV_DONTNEED);
}

arena::~arena() {
  for (const slab& s : slabs_) free_pages(s.memory, s.bytes);
}

char* arena::take(size_t bytes) {
  bytes = round_up(bytes, alignment);
  const std::lock_guard<std::mutex> hold(lock_);
  if (bytes > left_) {
    slab_bytes_ = std::min(slab_bytes_ * 2, slab_bytes_max);
    const size_t size = std::max(bytes, slab_bytes_);
    slabs_.reserve(slabs_.size() + 1);
    at_ = allocate_pages(size);
    slabs_.push_back({at_, size});
    left_ = size;
  }
  char* const taken = at_;
  at_ += bytes;
  left_ -= bytes;
  return taken;
}

}  // namespace fmtrain
