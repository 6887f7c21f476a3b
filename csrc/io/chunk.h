// A piece of text that ends at a line's end: what the reader cuts and a worker parses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fmtrain {

struct chunk {
  std::unique_ptr<char[]> data;  // (capacity + padding), every line ends with '\n'
  size_t size = 0;               // bytes of whole lines
  size_t capacity = 0;
  uint64_t number = 0;                        // how many chunks the reader cut before
  uint64_t first_line = 1;                    // 1-based number of the first line in its source
  std::vector<uint64_t> too_long;             // numbers of lines that were skipped for their length
  std::shared_ptr<const std::string> source;  // what messages call the input
  // The input's first line, where it names the columns, and how many of `data`'s bytes are it.
  std::shared_ptr<const std::string> header;
  size_t header_bytes = 0;
};

}  // namespace fmtrain
