// Chunks of raw rows as sources of batches: reader -> cells -> encoder, on the workers' threads.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "encode/golden.h"
#include "encode/guard.h"
#include "encode/row_encoder.h"
#include "encode/row_reader.h"
#include "feature/chunk_source.h"

namespace fmtrain {

// What all rows of a stream share: the encoder, and what is seen of them.
class row_input : public chunk_format {
 public:
  // `plan` outlives it.
  row_input(const encoder& plan, row_format format, const row_options& options)
      : plan_(plan), format_(format), how_(dialect_for(plan.plan(), format)), options_(options) {}

  const encoder& plan() const { return plan_; }
  const row_options& options() const { return options_; }
  guard_log& guards() { return guards_; }
  golden_log& golden() { return golden_; }

  status open(chunk text, line_log& log, std::unique_ptr<chunk_source>* out) override;
  bool has_header() const override { return format_ != row_format::jsonl && how_.header; }
  // For the rows of a chunk with this header line, or none.
  status make_reader(const std::string& source, const std::string* header,
                     std::unique_ptr<row_reader>* out) const;

 private:
  const encoder& plan_;
  const row_format format_;
  const dialect how_;
  const row_options options_;
  guard_log guards_;
  golden_log golden_;
};

}  // namespace fmtrain
