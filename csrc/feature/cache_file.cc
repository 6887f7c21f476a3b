#include "feature/cache_file.h"

#include <utility>

namespace fmtrain {

status cache_packer::add(const batch& in, const std::string& source) {
  if (builder_.empty()) source_ = source;
  for (size_t next = builder_.add(in, 0); next < in.samples; next = builder_.add(in, next)) {
    FMTRAIN_TRY(close_block());
  }
  return {};
}

status cache_packer::close_block() {
  if (builder_.empty()) return {};
  const uint64_t samples = builder_.samples();
  FMTRAIN_TRY(builder_.encode(source_, &raw_));
  compress(packing_, raw_, &packed_);
  done_.bytes += cache_block_bytes(cache_kind::samples, packed_, raw_.size(), samples);
  done_.samples += samples;
  ++done_.blocks;
  return {};
}

cache_blocks cache_packer::take() { return std::exchange(done_, {}); }

status cache_file::open(const std::string& path, const cache_header& header) {
  FMTRAIN_TRY(open_codec(header.packing));
  FMTRAIN_TRY(file_.open(path));
  return put(cache_header_bytes(header));
}

status cache_file::write(const cache_blocks& blocks) {
  totals_.samples += blocks.samples;
  totals_.blocks += blocks.blocks;
  return put(blocks.bytes);
}

status cache_file::commit(const std::string& comment) {
  const uint64_t count = totals_.blocks;
  std::string payload(reinterpret_cast<const char*>(&count), sizeof count);
  payload.append(comment);
  FMTRAIN_TRY(put(cache_block_bytes(cache_kind::end, payload, payload.size(), totals_.samples)));
  return file_.commit();
}

status cache_file::put(const std::string& bytes) {
  totals_.bytes += bytes.size();
  return file_.write(bytes.data(), bytes.size());
}

}  // namespace fmtrain
