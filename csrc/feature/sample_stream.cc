#include "feature/sample_stream.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/file.h"
#include "feature/hash.h"
#include "feature/text_source.h"

namespace fmtrain {
namespace {

// Two chunks a worker keep every worker busy while the reader fetches the next.
constexpr size_t queue_chunks_per_worker = 2;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// A feature's name, or what stands for it where the source keeps none.
std::string feature_text(const batch& in, size_t feature) {
  if (in.text != nullptr) return std::string(in.name_of(feature));
  char id[32];
  std::snprintf(id, sizeof id, "id:%016llx", static_cast<unsigned long long>(in.id[feature]));
  return id;
}

}  // namespace

sample_stream::sample_stream(size_t threads, const parse_options& options, batch_consumer& consumer)
    : options_(options),
      consumer_(consumer),
      reader_(line_bytes_max, padding_bytes, buffers_),
      terms_{options.hash_seed, options.names, 0, 1},
      workers_([threads] {
        std::vector<std::unique_ptr<worker_state>> states(threads);
        for (auto& state : states) state = std::make_unique<worker_state>();
        return states;
      }()),
      pool_(threads, queue_chunks_per_worker * threads,
            [this](size_t worker, item work) { return run(worker, std::move(work)); }) {}

void sample_stream::copy_to(batch_consumer& also, size_t chunk_bytes) {
  also_ = &also;
  buffers_.chunk_bytes = chunk_bytes;
}

void sample_stream::take_shard(uint32_t index, uint32_t count) {
  terms_.shard = index;
  terms_.shards = count;
}

void sample_stream::begin(std::string name, uint64_t first_line) {
  cache_.begin(name, terms_);
  const bool header = options_.rows != nullptr && options_.rows->has_header();
  reader_.begin(std::move(name), first_line, header);
}

status sample_stream::run(size_t worker, item work) {
  if (work.source != nullptr) return run_source(worker, work.order, *work.source);
  if (work.packed.header != nullptr) return run_packed(worker, work.order, work.packed);
  std::unique_ptr<chunk_source> text;
  if (options_.rows != nullptr) {
    FMTRAIN_TRY(options_.rows->open(std::move(work.text), log_, &text));
  } else {
    text = std::make_unique<text_source>(std::move(work.text), options_, log_);
  }
  status done = run_source(worker, work.order, *text);
  buffers_.give(text->take_chunk());
  return done;
}

status sample_stream::run_packed(size_t worker, uint64_t order, cache_block& packed) {
  worker_state& state = *workers_[worker];
  const auto start = clock::now();
  cache_source source(packed, state.scratch, log_);
  FMTRAIN_TRY(source.open());
  {
    const std::lock_guard<std::mutex> hold(state.lock);
    state.parsing += seconds_since(start);
  }
  status done = run_source(worker, order, source);
  cache_.give(std::move(packed));
  return done;
}

status sample_stream::run_source(size_t worker, uint64_t order, batch_source& source) {
  worker_state& state = *workers_[worker];
  while (!pool_.stopped()) {
    const auto start = clock::now();
    state.samples.clear();
    const bool filled = source.fill(state.samples);
    const auto parsed = clock::now();
    state.waited = 0;
    // The other one first: a consumer may take the batch away.
    for (batch_consumer* const to : {also_, &consumer_}) {
      if (to == nullptr) continue;
      FMTRAIN_TRY(filled ? to->consume(worker, order, source, state.samples)
                         : to->finish_source(worker, order));
    }
    const auto learned = clock::now();
    {
      const std::lock_guard<std::mutex> hold(state.lock);
      state.parsing += std::chrono::duration<double>(parsed - start).count();
      state.learning += std::chrono::duration<double>(learned - parsed).count() - state.waited;
    }
    if (!filled) return {};
  }
  return {};
}

void sample_stream::waited(size_t worker, double seconds) { workers_[worker]->waited += seconds; }

bool sample_stream::next_pending(bool flush) {
  if (!cache_.next(&pending_.packed) && !reader_.next(flush, &pending_.text)) return false;
  pending_.order = order_++;
  return true;
}

bool sample_stream::push_ready(bool flush, clock::time_point deadline) {
  for (;;) {
    if (!has_pending_) {
      if (!next_pending(flush)) return true;
      has_pending_ = true;
    }
    const auto start = clock::now();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - start);
    const bool pushed = pool_.push(pending_, std::max(left, std::chrono::milliseconds(0)));
    blocked_ += seconds_since(start);
    if (!pushed) return false;
    has_pending_ = false;
  }
}

status sample_stream::read(int fd, std::chrono::milliseconds budget, progress* out) {
  *out = progress::more;
  const auto deadline = clock::now() + budget;
  while (push_ready(false, deadline)) {
    const auto start = clock::now();
    if (start >= deadline) return {};
    // Rounded up: a budget of a millisecond must not become one of none.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - start);
    pollfd input{fd, POLLIN, 0};
    const int ready = ::poll(&input, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR) return errno_status("poll", "wait for input", errno);
    if (ready <= 0) {
      reading_ += seconds_since(start);
      // A slow producer: learn from what there is instead of waiting for a full chunk.
      push_ready(true, deadline);
      return {};
    }
    size_t got = 0;
    FMTRAIN_TRY(read_some(fd, &got));
    reading_ += seconds_since(start);
    if (got == 0) {
      *out = progress::ended;
      return {};
    }
  }
  return {};
}

status sample_stream::read_some(int fd, size_t* got) {
  if (cache_.is_text()) return reader_.read(fd, got);
  FMTRAIN_TRY(cache_.read(fd, got));
  hand_on_sniffed();
  return {};
}

status sample_stream::take_some(const char* data, size_t size, size_t* got) {
  *got = 0;
  if (cache_.is_text()) {
    *got = reader_.append(data, size);
    return {};
  }
  FMTRAIN_TRY(cache_.append(data, size, got));
  hand_on_sniffed();
  return {};
}

void sample_stream::hand_on_sniffed() {
  if (cache_.is_text()) reader_.append(cache_.sniffed().data(), cache_.sniffed().size());
}

status sample_stream::feed(const char* data, size_t size, std::chrono::milliseconds budget,
                           size_t* taken) {
  const auto deadline = clock::now() + budget;
  *taken = 0;
  while (*taken < size && push_ready(false, deadline)) {
    size_t got = 0;
    FMTRAIN_TRY(take_some(data + *taken, size - *taken, &got));
    *taken += got;
  }
  return {};
}

status sample_stream::end() {
  const status ended = cache_.end();
  log_.offer_comment(cache_.comment());
  reader_.end();
  // What came before a cut is good.
  while (!push_ready(true, clock::now() + std::chrono::seconds(1))) {
  }
  return ended;
}

status sample_stream::push(std::unique_ptr<batch_source> source) {
  item work;
  work.order = order_++;
  work.source = std::move(source);
  while (!pool_.push(work, std::chrono::seconds(1))) {
  }
  return {};
}

status sample_stream::finish() {
  const status done = pool_.finish();
  if (elapsed_ == 0) elapsed_ = seconds_since(began_);
  FMTRAIN_TRY(done);
  return log_.side_status();
}

// Names the feature that pushed the sample out of range: the one with the largest value.
void sample_stream::refuse(const batch_source& source, const batch& in, size_t sample) {
  uint32_t worst = in.begin[sample];
  for (uint32_t i = worst; i < in.begin[sample + 1]; ++i) {
    if (std::fabs(in.x[i]) > std::fabs(in.x[worst])) worst = i;
  }
  bad_line bad{source.name(), in.line[sample], 0, line_kind::nonfinite_score, ""};
  if (in.begin[sample + 1] > in.begin[sample]) {
    char value[32];
    std::snprintf(value, sizeof value, ":%g", static_cast<double>(in.x[worst]));
    bad.detail = feature_text(in, worst).append(value);
  }
  log_.add_bad(std::move(bad), source.line_at(in.line[sample]));
}

stream_times sample_stream::times() const {
  stream_times sum;
  sum.reading = reading_;
  sum.blocked = blocked_;
  for (const auto& worker : workers_) {
    const std::lock_guard<std::mutex> hold(worker->lock);
    sum.parsing += worker->parsing;
    sum.learning += worker->learning;
  }
  sum.elapsed = elapsed_ > 0 ? elapsed_ : seconds_since(began_);
  const double all = sum.elapsed * static_cast<double>(workers_.size());
  sum.waiting = std::max(0.0, all - sum.parsing - sum.learning);
  return sum;
}

}  // namespace fmtrain
