#include "serve/sample_file.h"

#include <cmath>

namespace fmtrain {
namespace {

// About what two megabytes of text have, as in blocks made of text (see cache_writer).
constexpr size_t block_features = size_t{1} << 17;

}  // namespace

sample_file::sample_file(uint32_t hash_seed)
    : header_{hash_seed, false, codec::none}, packer_(header_) {}

status sample_file::open(const std::string& path) {
  path_ = path;
  return file_.open(path, header_);
}

status sample_file::take_in(std::string_view request_id, const snapshot_sample& sample) {
  const std::string item = std::to_string(sample.item);
  if (!is_label(sample.label)) {
    return {errc::invalid, path_ + ": item " + item + " has the label " +
                               std::to_string(sample.label) + ": it must be from 0 to 1"};
  }
  one_.clear();
  one_.reserve_features(sample.features);
  for (size_t i = 0; i < sample.features; ++i) {
    if (!std::isfinite(sample.x[i])) {
      return {errc::invalid, path_ + ": item " + item + " has an x that is not finite"};
    }
    if (sample.x[i] != 0) one_.add_feature(sample.id[i], sample.x[i], {});
  }
  key_.assign(request_id).append(" ").append(item);
  one_.add_sample(sample.label, 1, key_, ++samples_);
  return {};
}

status sample_file::check() const {
  if (!writing_) return failed_;
  return {errc::memory, path_ + ": cannot write: memory ran out within a sample"};
}

status sample_file::add(std::string_view request_id, const snapshot_sample& sample) {
  const std::lock_guard<std::mutex> hold(lock_);
  FMTRAIN_TRY(check());
  FMTRAIN_TRY(take_in(request_id, sample));
  writing_ = true;
  failed_ = packer_.add(one_, "snapshots");
  if (failed_.ok() && packer_.features() >= block_features) failed_ = write_block();
  writing_ = false;
  return failed_;
}

status sample_file::write_block() {
  FMTRAIN_TRY(packer_.close_block());
  return file_.write(packer_.take());
}

status sample_file::close() {
  const std::lock_guard<std::mutex> hold(lock_);
  FMTRAIN_TRY(check());
  writing_ = true;
  failed_ = write_block();
  if (failed_.ok()) failed_ = file_.commit("");
  writing_ = false;
  return failed_;
}

}  // namespace fmtrain
