// Writes an input cache: a consumer that keeps every sample, alone (packer) or beside the one that
// learns. Workers encode and compress; the file has the input's order
// whatever the thread count.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "feature/cache_file.h"
#include "feature/sample_stream.h"
#include "io/in_order.h"

namespace fmtrain {

class cache_writer : private batch_consumer {
 public:
  // Two megabytes of text a block, four times a chunk: a dictionary pays when its features come
  // again. Larger ones save little, and leave the second-level cache of a reader.
  static constexpr size_t chunk_bytes = size_t{2} << 20;

  cache_writer(size_t threads, const cache_header& header);

  // Writes the header. The file appears under its name when it is committed, or not at all.
  status open(const std::string& path);
  // The stream that was followed is finished. A status when it was stopped before its end.
  status commit();

  const cache_header& header() const { return header_; }
  // Any time.
  cache_totals totals() const;

  // Keeps the stream's samples. Before its first input; the stream outlives the use of the writer.
  void follow(sample_stream& stream);

 private:
  status consume(size_t worker, uint64_t order, const batch_source& source, batch& in) override;
  status finish_source(size_t worker, uint64_t order) override;

  const cache_header header_;
  std::vector<std::unique_ptr<cache_packer>> workers_;
  const sample_stream* stream_ = nullptr;
  in_order<cache_blocks> order_;
  mutable std::mutex lock_;  // guards file_
  cache_file file_;
};

// A stream that only packs: follow its input.
class packer : private batch_consumer {
 public:
  packer(size_t threads, const parse_options& parsing) : stream_(threads, parsing, *this) {}

  sample_stream& input() { return stream_; }
  status finish() { return stream_.finish(); }

 private:
  status consume(size_t, uint64_t, const batch_source&, batch&) override { return {}; }
  status finish_source(size_t, uint64_t) override { return {}; }

  sample_stream stream_;
};

}  // namespace fmtrain
