// Names by row number, end to end: present only when the model keeps names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace fmtrain {

class name_list {
 public:
  void add(std::string_view name) {
    if (text_after(name) > bytes_.capacity()) bytes_.reserve(larger(text_after(name)));
    if (end_.size() == end_.capacity()) end_.reserve(larger(end_.size() + 1));
    bytes_.insert(bytes_.end(), name.begin(), name.end());
    end_.push_back(bytes_.size());
  }
  // What add(name) would allocate: 0 most of the time.
  size_t bytes_to_add(std::string_view name) const {
    size_t bytes = 0;
    if (text_after(name) > bytes_.capacity()) bytes += larger(text_after(name));
    if (end_.size() == end_.capacity()) bytes += larger(end_.size() + 1) * sizeof(uint64_t);
    return bytes;
  }
  std::string_view at(size_t row) const {
    const uint64_t begin = row == 0 ? 0 : end_[row - 1];
    return {bytes_.data() + begin, static_cast<size_t>(end_[row] - begin)};
  }
  // Forgets the names of rows that are not kept (rows).
  void retain(const std::vector<bool>& kept);

  size_t text_bytes() const { return bytes_.size(); }
  size_t memory_bytes() const { return bytes_.capacity() + end_.capacity() * sizeof(uint64_t); }

 private:
  // By a quarter: doubling would let a cap on memory bite at half of it.
  static size_t larger(size_t count) { return count + count / 4 + 16; }
  size_t text_after(std::string_view name) const { return bytes_.size() + name.size(); }

  std::vector<char> bytes_;  // not a string: its reserve() doubles whatever it is asked for
  std::vector<uint64_t> end_;
};

}  // namespace fmtrain
