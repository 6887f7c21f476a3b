#include "feature/cache_writer.h"

namespace fmtrain {

cache_writer::cache_writer(size_t threads, const cache_header& header)
    : header_(header), order_(4 * threads) {
  for (size_t i = 0; i < threads; ++i) workers_.push_back(std::make_unique<cache_packer>(header));
}

status cache_writer::open(const std::string& path) { return file_.open(path, header_); }

void cache_writer::follow(sample_stream& stream) {
  stream_ = &stream;
  stream.copy_to(*this, chunk_bytes);
}

status cache_writer::consume(size_t worker, uint64_t, const batch_source& source, batch& in) {
  return workers_[worker]->add(in, source.name());
}

status cache_writer::finish_source(size_t worker, uint64_t order) {
  FMTRAIN_TRY(workers_[worker]->close_block());
  return order_.put(
      order, workers_[worker]->take(), [this] { return stream_->stopped(); },
      [this](cache_blocks&& ready) {
        const std::lock_guard<std::mutex> hold(lock_);
        return file_.write(ready);
      });
}

cache_totals cache_writer::totals() const {
  const std::lock_guard<std::mutex> hold(lock_);
  return file_.totals();
}

status cache_writer::commit() {
  if (order_.waiting() || stream_ == nullptr || stream_->stopped()) {
    return {errc::invalid, "the stream was stopped: what was packed of it is not all of it"};
  }
  return file_.commit(stream_->log().comment());
}

}  // namespace fmtrain
