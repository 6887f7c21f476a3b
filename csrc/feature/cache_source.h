// A block of an input cache as a source of batches: checked, unpacked and handed out by one worker.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "feature/batch.h"
#include "feature/cache_format.h"
#include "feature/line_log.h"

namespace fmtrain {

// A block as it lies in the file.
struct cache_block {
  std::shared_ptr<const cache_header> header;
  std::shared_ptr<const std::string> file;  // what messages call the cache
  cache_head head{};
  std::unique_ptr<char[]> payload;  // (head.payload_bytes)
  size_t capacity = 0;
};

// What a worker reads blocks with; reused from block to block, so that its pages stay.
struct cache_scratch {
  std::unique_ptr<char[]> raw;
  size_t capacity = 0;
  std::vector<uint32_t> next;  // (columns) index of the column's next feature
  std::vector<name_ref> name;  // (distinct)
};

class cache_source : public batch_source {
 public:
  // What is given outlives the source.
  cache_source(cache_block& block, cache_scratch& scratch, line_log& log);

  // Checks everything: what fill gives out afterwards is sound.
  status open();
  bool fill(batch& out) override;
  const std::string& name() const override { return name_; }
  // A cache keeps no lines.
  std::string_view line_at(uint64_t) const override { return {}; }

 private:
  // The sections of the block; those that are absent are null.
  struct sections {
    const uint64_t* id;
    const float *label, *weight;
    const uint32_t *line_step, *count;
    const float* value;
    const uint32_t *key_size, *name_size;
    const unsigned char *index, *label_bits;
    const char *keys, *names, *source;
  };

  status damaged(const char* what) const;
  status unpack();
  status find_sections();
  bool numbers_are_sound() const;
  bool places_are_sound() const;
  bool start_columns();
  void find_names();
  uint32_t count_of(size_t sample) const {
    return at_.count ? at_.count[sample] : front_.features_each;
  }
  template <uint32_t Bytes>
  void add_features(uint32_t count, batch& out);

  cache_block& block_;
  cache_scratch& scratch_;
  line_log& log_;
  std::string name_;
  const char* raw_ = nullptr;
  cache_front front_{};
  sections at_{};
  feature_dictionary dictionary_;
  size_t sample_ = 0;
  uint64_t line_ = 0;
  const char* key_ = nullptr;
};

}  // namespace fmtrain
