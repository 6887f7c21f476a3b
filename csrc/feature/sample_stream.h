// The way in, shared by training and scoring: bytes or matrices -> bounded queue -> workers that
// fill batches and hand them to a consumer. The calling thread reads and cuts; it never learns.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "feature/batch.h"
#include "feature/cache_reader.h"
#include "feature/cache_source.h"
#include "feature/line_log.h"
#include "feature/parser.h"
#include "io/chunk_reader.h"
#include "io/worker_pool.h"

namespace fmtrain {

// Does the work on samples; called on the workers' threads.
class batch_consumer {
 public:
  virtual ~batch_consumer() = default;
  virtual status consume(size_t worker, uint64_t order, const batch_source& source, batch& in) = 0;
  // All batches of the source with this order (0, 1, 2, ... as they were pushed) were consumed.
  virtual status finish_source(size_t worker, uint64_t order) = 0;
};

// Seconds of wall time, the workers' summed over all of them.
struct stream_times {
  double elapsed = 0;   // since the stream began
  double reading = 0;   // the reader, in read(2), waiting for input included
  double blocked = 0;   // the reader, waiting for room in the queue
  double parsing = 0;   // workers: bytes -> batches
  double learning = 0;  // workers: in the consumer
  double waiting = 0;   // workers: for something to parse, or for their turn
};

class sample_stream {
 public:
  enum class progress { more, ended };

  sample_stream(size_t threads, const parse_options& options, batch_consumer& consumer);

  line_log& log() { return log_; }
  const line_log& log() const { return log_; }
  const parse_options& options() const { return options_; }
  size_t threads() const { return workers_.size(); }

  // Before the first input. Gives every batch to `also`, too, in chunks of about `chunk_bytes`.
  void copy_to(batch_consumer& also, size_t chunk_bytes);
  // Before the first input. Of packed samples (see cache_format.h) only every `count`-th block,
  // from `index` on; text is refused.
  void take_shard(uint32_t index, uint32_t count);

  // Text or packed samples, which are recognised: begin, then read or feed until the end, then end;
  // again for the next input.
  void begin(std::string name, uint64_t first_line = 1);
  // Reads for about `budget`; returns at the input's end or when the time is up.
  status read(int fd, std::chrono::milliseconds budget, progress* out);
  // Takes bytes for about `budget`; *taken may be less than size.
  status feed(const char* data, size_t size, std::chrono::milliseconds budget, size_t* taken);
  status end();

  // Anything else.
  status push(std::unique_ptr<batch_source> source);

  // Waits for the workers. The stream is over; the first error is returned.
  status finish();
  // Workers stop after the batch in hand; what is queued is dropped.
  void stop() { pool_.stop(); }
  bool stopped() const { return pool_.stopped(); }

  // The consumer's word that it waited within finish_source.
  void waited(size_t worker, double seconds);
  // The consumer's word that a sample cannot be scored: logs it as nonfinite_score.
  void refuse(const batch_source& source, const batch& in, size_t sample);

  uint64_t bytes() const { return reader_.bytes() + cache_.bytes(); }
  bool ended_inside_a_line() const { return reader_.ended_inside_a_line(); }
  stream_times times() const;

 private:
  using clock = std::chrono::steady_clock;

  struct item {
    uint64_t order = 0;
    std::unique_ptr<batch_source> source;
    // When source is null: packed samples, or a chunk of text where there are none.
    cache_block packed;
    chunk text;
  };

  // One a worker, padded so that no two share a cache line.
  struct alignas(64) worker_state {
    std::mutex lock;  // guards the times against a snapshot
    double parsing = 0, learning = 0;
    double waited = 0;  // the worker's own: no lock
    batch samples;
    cache_scratch scratch;
  };

  status run(size_t worker, item work);
  status run_packed(size_t worker, uint64_t order, cache_block& packed);
  status run_source(size_t worker, uint64_t order, batch_source& source);
  // One read(2), to whom it concerns. *got = 0 at the end of the input.
  status read_some(int fd, size_t* got);
  status take_some(const char* data, size_t size, size_t* got);
  // What was read to find out that the input is text.
  void hand_on_sniffed();
  bool next_pending(bool flush);
  // Hands over complete chunks. False when the queue stayed full until the deadline.
  bool push_ready(bool flush, clock::time_point deadline);

  const parse_options options_;
  batch_consumer& consumer_;
  line_log log_;
  buffer_pool buffers_;
  chunk_reader reader_;
  cache_reader cache_;
  cache_terms terms_;
  batch_consumer* also_ = nullptr;
  item pending_;  // cut but not yet accepted by the queue
  bool has_pending_ = false;
  uint64_t order_ = 0;
  const clock::time_point began_ = clock::now();
  double elapsed_ = 0;  // once it is over
  double reading_ = 0, blocked_ = 0;
  std::vector<std::unique_ptr<worker_state>> workers_;
  worker_pool<item> pool_;
};

}  // namespace fmtrain
