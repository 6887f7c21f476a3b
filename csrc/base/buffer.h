// Scratch memory that grows and is never copied: what it held is lost when it grows. Aligned to a
// cache line, so that a vector load never crosses one.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

namespace fmtrain {

template <class T>
class buffer {
  static_assert(std::is_trivially_copyable_v<T>, "bytes are cleared, not constructed");

 public:
  // Room for `count` and whole vectors behind them, zeroed when it is new.
  T* reserve(size_t count) {
    if (count > size_) {
      constexpr size_t line = 64;
      const size_t bytes = (count * sizeof(T) + 2 * line - 1) / line * line;
      data_.reset(static_cast<T*>(std::aligned_alloc(line, bytes)));
      if (data_ == nullptr) {
        size_ = 0;
        throw std::bad_alloc();
      }
      std::memset(static_cast<void*>(data_.get()), 0, bytes);
      size_ = count;
    }
    return data_.get();
  }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  T& operator[](size_t i) { return data_.get()[i]; }
  const T& operator[](size_t i) const { return data_.get()[i]; }
  size_t size() const { return size_; }

 private:
  struct release {
    void operator()(T* p) const { std::free(p); }
  };
  std::unique_ptr<T, release> data_;
  size_t size_ = 0;
};

}  // namespace fmtrain
