#include "base/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace fmtrain {
namespace {

constexpr size_t alignment = 64;
constexpr size_t huge_page_bytes = size_t{2} << 20;

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

void arena::free_memory::operator()(char* p) const { std::free(p); }

char* arena::take(size_t bytes) {
  bytes = round_up(bytes, alignment);
  const std::lock_guard<std::mutex> hold(lock_);
  if (bytes > left_) {
    slab_bytes_ = std::min(slab_bytes_ * 2, slab_bytes_max);
    const size_t size = round_up(std::max(bytes, slab_bytes_), huge_page_bytes);
    at_ = static_cast<char*>(std::aligned_alloc(huge_page_bytes, size));
    if (at_ == nullptr) throw std::bad_alloc();
    slabs_.emplace_back(at_);
    if (size >= slab_bytes_max / 2) ::madvise(at_, size, MADV_HUGEPAGE);
    left_ = size;
  }
  char* const taken = at_;
  at_ += bytes;
  left_ -= bytes;
  return taken;
}

}  // namespace fmtrain
