// Bytes in, blocks of an input cache out: the counterpart of chunk_reader. It finds out by itself
// whether an input is a cache; knows no threads, and leaves payloads to those who read them.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "feature/cache_source.h"

namespace fmtrain {

// What the input must have been packed for, and which of its blocks are wanted: those whose number
// leaves `shard` when divided by `shards`.
struct cache_terms {
  uint32_t hash_seed = 0;
  bool names = false;  // they are needed
  uint32_t shard = 0;
  uint32_t shards = 1;
};

class cache_reader {
 public:
  // Starts a new input. Blocks are counted on: inputs of one stream are sharded together.
  void begin(std::string name, const cache_terms& terms);

  // Not a cache: `sniffed` is what was taken of it, the first bytes of a text.
  bool is_text() const { return state_ == state::text; }
  const std::string& sniffed() const { return front_; }

  // One read(2). *got = 0 at the end of the input.
  status read(int fd, size_t* got);
  // Takes over all of the bytes or, up to the end of a block or of the sniffing, some.
  status append(const char* data, size_t size, size_t* taken);
  // The input is over. A status when that is not where a cache ends.
  status end();

  bool next(cache_block* out);
  // Hands a block's buffer back, from any thread.
  void give(cache_block&& used);

  uint64_t bytes() const { return bytes_; }
  // The stream's comment, as packed; empty until the end of the cache was read.
  const std::string& comment() const { return comment_; }

 private:
  enum class state { sniffing, text, preamble, header, head, payload, skipped, between };

  status damaged(const std::string& what) const;
  // Where the next bytes go, and how many are wanted at most.
  char* room(size_t* size);
  status accept(size_t size);
  status step();
  status take_preamble();
  status take_header();
  status take_head();
  status take_payload();
  status take_end();
  void want(state next, size_t bytes);

  state state_ = state::sniffing;
  size_t wanted_ = 0, have_ = 0;  // bytes of the part that is being read
  std::string front_;             // every part but payloads, which go where they stay
  cache_block open_;
  cache_terms terms_;
  std::shared_ptr<const std::string> name_;
  std::shared_ptr<const cache_header> header_;
  uint64_t count_ = 0;                 // blocks of samples seen, of all inputs
  uint64_t blocks_ = 0, samples_ = 0;  // of this cache
  uint64_t bytes_ = 0;
  std::string comment_;
  std::deque<cache_block> ready_;
  std::mutex lock_;  // guards free_
  std::vector<cache_block> free_;
};

}  // namespace fmtrain
