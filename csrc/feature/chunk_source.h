// What lies between chunks of text and batches: one source a chunk.
#pragma once

#include <memory>

#include "base/status.h"
#include "feature/batch.h"
#include "feature/line_log.h"
#include "io/chunk.h"

namespace fmtrain {

class chunk_source : public batch_source {
 public:
  // Gives the memory back, once the source has nothing left.
  virtual chunk take_chunk() = 0;
};

// Text that is no samples yet: how its chunks are read. Called on the workers' threads.
class chunk_format {
 public:
  virtual ~chunk_format() = default;
  virtual status open(chunk text, line_log& log, std::unique_ptr<chunk_source>* out) = 0;
  // Whether an input's first line names its columns.
  virtual bool has_header() const = 0;
};

}  // namespace fmtrain
