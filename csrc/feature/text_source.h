// A chunk of text as a source of batches.
#pragma once

#include <string>

#include "feature/chunk_source.h"
#include "feature/line_log.h"
#include "feature/parser.h"
#include "io/chunk.h"

namespace fmtrain {

class text_source : public chunk_source {
 public:
  text_source(chunk text, const parse_options& options, line_log& log);
  bool fill(batch& out) override;
  const std::string& name() const override { return *chunk_.source; }
  std::string_view line_at(uint64_t line) const override;

  chunk take_chunk() override { return std::move(chunk_); }

 private:
  void log_bad(const char* first, const char* last, const parse_result& bad);

  chunk chunk_;
  const parse_options options_;
  line_log& log_;
  const char* at_;
  const char* end_;
  uint64_t line_;
};

}  // namespace fmtrain
