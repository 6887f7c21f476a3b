#include "model/model_file.h"

#include <charconv>
#include <cstring>

#include "model/model_format.h"
#include "model/score.h"

namespace fmtrain {

using namespace model_format;

namespace {

status write_block(byte_sink& sink, block_kind kind, const std::string& payload, uint64_t items) {
  block_head head{};
  head.kind = static_cast<uint32_t>(kind);
  head.payload_crc = crc32c(0, payload.data(), payload.size());
  head.payload_bytes = payload.size();
  head.items = items;
  head.head_crc = crc_of_head(head);
  FMTRAIN_TRY(sink.write(&head, sizeof head));
  return sink.write(payload.data(), payload.size());
}

void append(std::string& to, const void* data, size_t size) {
  to.append(static_cast<const char*>(data), size);
}

// Rows on their way into blocks, with their names behind them.
class row_writer {
 public:
  row_writer(byte_sink& sink, const table& rows) : sink_(sink), table_(rows) {}

  status add(const row_ref row, std::string_view name) {
    append(heads_, row.head, sizeof(row_head));
    if (table_.has_tail()) {
      const row_tail tail = table_.tail_of(row);
      append(heads_, &tail, sizeof tail);
    }
    if (row.v != nullptr) append(lanes_, row.v, table_.lanes() * sizeof(coordinate));
    if (table_.has_names()) {
      const auto size = static_cast<uint32_t>(name.size());
      append(sizes_, &size, sizeof size);
      names_.append(name);
    }
    ++items_;
    return heads_.size() + lanes_.size() + names_.size() < block_bytes_aim ? status() : flush();
  }

  status flush() {
    if (items_ == 0) return {};
    FMTRAIN_TRY(write_block(sink_, block_kind::heads, heads_.append(lanes_), items_));
    if (table_.has_names()) {
      FMTRAIN_TRY(write_block(sink_, block_kind::names, sizes_.append(names_), items_));
    }
    heads_.clear();
    lanes_.clear();
    sizes_.clear();
    names_.clear();
    items_ = 0;
    return {};
  }

 private:
  byte_sink& sink_;
  const table& table_;
  std::string heads_, lanes_, sizes_, names_;
  uint64_t items_ = 0;
};

status write_rows(byte_sink& sink, const table& rows) {
  row_writer writer(sink, rows);
  status first;
  rows.for_each([&](row_ref row, std::string_view name) {
    if (first.ok()) first = writer.add(row, name);
  });
  FMTRAIN_TRY(first);
  return writer.flush();
}

status write_encoder(byte_sink& sink, const model& m) {
  if (m.encoded.plan == nullptr) return {};
  const std::vector<golden_row> golden = make_golden(m.encoded, score_of(m));
  const std::string payload = pack_encoding(m.encoded, golden);
  if (payload.size() > block_bytes_max) {
    return {errc::invalid, "the schema and its forests take " + std::to_string(payload.size()) +
                               " bytes, more than the 64 MiB that a model file has for them"};
  }
  return write_block(sink, block_kind::encoder, payload, golden.size());
}

status write_stored(byte_sink& sink, const table& rows) {
  std::string payload;
  uint64_t items = 0;
  status first;
  rows.for_each([&](row_ref row, std::string_view) {
    append(payload, &row.head->id, sizeof(uint64_t));
    append(payload, &row.head->w.z, sizeof(float));
    for (size_t f = 0; f < rows.lanes(); ++f) append(payload, &row.v[f].z, sizeof(float));
    ++items;
    if (payload.size() < block_bytes_aim || !first.ok()) return;
    first = write_block(sink, block_kind::stored, payload, items);
    payload.clear();
    items = 0;
  });
  FMTRAIN_TRY(first);
  return items == 0 ? status() : write_block(sink, block_kind::stored, payload, items);
}

std::string real_text(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

std::string header_text(const model& m) {
  std::string text;
  const auto line = [&text](const std::string& name, const std::string& value) {
    text.append(name).append("=").append(value).append("\n");
  };
  for (const hyper_line& h : hyper_list()) line(h.name, get_hyper(m.hypers(), h.name));
  line("names", m.rows().has_names() ? "1" : "0");
  line("tail", m.rows().has_tail() ? "1" : "0");
  if (m.expiry().on()) line("expire_after", m.expiry().text());
  line("rows", std::to_string(m.rows().rows()));
  line("bias.z", real_text(m.bias.z));
  line("bias.n", real_text(m.bias.n));
  line("seen.samples", std::to_string(m.seen.samples));
  line("seen.weight_sum", real_text(m.seen.weight_sum));
  line("seen.label_sum", real_text(m.seen.label_sum));
  if (m.has_stored()) line("stored.bias", real_text(m.stored.bias));
  return text;
}

}  // namespace

status write_model(const model& m, byte_sink& sink) {
  const std::string header = header_text(m);
  preamble front{};
  std::memcpy(front.magic, magic, sizeof magic);
  front.version = model_file_version;
  front.header_bytes = static_cast<uint32_t>(header.size());
  const uint32_t crc = crc32c(crc32c(0, &front, sizeof front), header.data(), header.size());
  FMTRAIN_TRY(sink.write(&front, sizeof front));
  FMTRAIN_TRY(sink.write(header.data(), header.size()));
  FMTRAIN_TRY(sink.write(&crc, sizeof crc));
  FMTRAIN_TRY(write_encoder(sink, m));
  FMTRAIN_TRY(write_rows(sink, m.rows()));
  if (m.has_stored()) FMTRAIN_TRY(write_stored(sink, *m.stored.rows));
  return write_block(sink, block_kind::end, {}, m.rows().rows());
}

status save_model(const model& m, const std::string& path) {
  return write_whole(path, [&m](byte_sink& sink) { return write_model(m, sink); });
}

status load_model(const std::string& path, std::unique_ptr<model>* out) {
  file_source file;
  FMTRAIN_TRY(file.open(path));
  return read_model(file, path, out);
}

}  // namespace fmtrain
