#include "feature/cache_writer.h"

#include <utility>

namespace fmtrain {

cache_writer::cache_writer(size_t threads, const cache_header& header)
    : header_(header), order_(4 * threads) {
  for (size_t i = 0; i < threads; ++i) {
    workers_.push_back(std::make_unique<worker_state>(header.names));
  }
}

status cache_writer::open(const std::string& path) {
  FMTRAIN_TRY(open_codec(header_.packing));
  FMTRAIN_TRY(file_.open(path));
  const std::string bytes = cache_header_bytes(header_);
  totals_.bytes = bytes.size();
  return file_.write(bytes.data(), bytes.size());
}

void cache_writer::follow(sample_stream& stream) {
  stream_ = &stream;
  stream.copy_to(*this, chunk_bytes);
}

status cache_writer::consume(size_t worker, uint64_t, const batch_source& source, batch& in) {
  worker_state& state = *workers_[worker];
  if (state.builder.empty()) state.source = source.name();
  for (size_t next = state.builder.add(in, 0); next < in.samples;
       next = state.builder.add(in, next)) {
    FMTRAIN_TRY(close_block(state));
  }
  return {};
}

status cache_writer::close_block(worker_state& state) {
  if (state.builder.empty()) return {};
  const uint64_t samples = state.builder.samples();
  FMTRAIN_TRY(state.builder.encode(state.source, &state.raw));
  compress(header_.packing, state.raw, &state.packed);
  state.done.bytes +=
      cache_block_bytes(cache_kind::samples, state.packed, state.raw.size(), samples);
  state.done.samples += samples;
  ++state.done.blocks;
  return {};
}

status cache_writer::finish_source(size_t worker, uint64_t order) {
  worker_state& state = *workers_[worker];
  FMTRAIN_TRY(close_block(state));
  return order_.put(
      order, std::exchange(state.done, {}), [this] { return stream_->stopped(); },
      [this](blocks&& ready) {
        const std::lock_guard<std::mutex> hold(lock_);
        totals_.samples += ready.samples;
        totals_.blocks += ready.blocks;
        totals_.bytes += ready.bytes.size();
        return file_.write(ready.bytes.data(), ready.bytes.size());
      });
}

cache_totals cache_writer::totals() const {
  const std::lock_guard<std::mutex> hold(lock_);
  return totals_;
}

status cache_writer::commit() {
  if (order_.waiting() || stream_ == nullptr || stream_->stopped()) {
    return {errc::invalid, "the stream was stopped: what was packed of it is not all of it"};
  }
  const uint64_t count = totals_.blocks;
  std::string payload(reinterpret_cast<const char*>(&count), sizeof count);
  payload.append(stream_->log().comment());
  const std::string bytes =
      cache_block_bytes(cache_kind::end, payload, payload.size(), totals_.samples);
  totals_.bytes += bytes.size();
  FMTRAIN_TRY(file_.write(bytes.data(), bytes.size()));
  return file_.commit();
}

}  // namespace fmtrain
