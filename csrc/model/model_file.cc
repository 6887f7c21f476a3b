#include "model/model_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "base/crc32c.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the model file is written as memory holds it: little endian"
#endif

namespace fmtrain {
namespace {

// The first byte is no text, the last two stop a terminal and a line-ending conversion.
constexpr char magic[8] = {'\x89', 'F', 'M', 'T', 'R', 'N', '\n', '\x1a'};

struct preamble {
  char magic[8];
  uint32_t version;
  uint32_t header_bytes;
};
static_assert(sizeof(preamble) == 16, "part of the format");

enum class block_kind : uint32_t { rows = 1, names = 2, stored = 3, end = 4 };

struct block_head {
  uint32_t kind;
  uint32_t payload_crc;
  uint64_t payload_bytes;
  uint64_t items;
  uint32_t head_crc;
  uint32_t zero;
};
static_assert(sizeof(block_head) == 32, "part of the format");

constexpr uint32_t header_bytes_max = 1 << 16;
// Counts travel as decimal text and are read as doubles, which are whole numbers up to here.
constexpr double counts_max = 0x1p53;
constexpr size_t block_bytes_aim = size_t{1} << 20;
// A block holds at most one name of a longest line beyond the aim.
constexpr uint64_t block_bytes_max = uint64_t{64} << 20;

uint32_t crc_of_head(const block_head& head) {
  return crc32c(0, &head, offsetof(block_head, head_crc));
}

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

// Rows (and names) of a table on their way into blocks.
class block_writer {
 public:
  block_writer(byte_sink& sink, block_kind kind, bool names)
      : sink_(sink), kind_(kind), with_names_(names) {}

  status add(const row_ref row, size_t lanes, std::string_view name) {
    append(row.id());
    append(row.w().z);
    if (kind_ == block_kind::rows) append(row.w().n);
    for (size_t f = 0; f < lanes; ++f) append(row.v[f].z);
    if (kind_ == block_kind::rows) {
      for (size_t f = 0; f < lanes; ++f) append(row.v[f].n);
    }
    if (with_names_) {
      const auto size = static_cast<uint32_t>(name.size());
      sizes_.append(reinterpret_cast<const char*>(&size), sizeof size);
      names_.append(name);
    }
    ++items_;
    return rows_.size() + names_.size() < block_bytes_aim ? status() : flush();
  }

  status flush() {
    if (items_ == 0) return {};
    FMTRAIN_TRY(write_block(sink_, kind_, rows_, items_));
    if (with_names_) FMTRAIN_TRY(write_block(sink_, block_kind::names, sizes_ + names_, items_));
    rows_.clear();
    sizes_.clear();
    names_.clear();
    items_ = 0;
    return {};
  }

 private:
  template <class Number>
  void append(Number number) {
    rows_.append(reinterpret_cast<const char*>(&number), sizeof number);
  }

  byte_sink& sink_;
  const block_kind kind_;
  const bool with_names_;
  std::string rows_, sizes_, names_;
  uint64_t items_ = 0;
};

status write_rows(byte_sink& sink, block_kind kind, const table& rows) {
  block_writer writer(sink, kind, rows.has_names());
  status first;
  rows.for_each([&](row_ref row, std::string_view name) {
    if (first.ok()) first = writer.add(row, rows.lanes(), name);
  });
  FMTRAIN_TRY(first);
  return writer.flush();
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
  line("rows", std::to_string(m.rows().rows()));
  line("bias.z", real_text(m.bias.z));
  line("bias.n", real_text(m.bias.n));
  line("seen.samples", std::to_string(m.seen.samples));
  line("seen.weight_sum", real_text(m.seen.weight_sum));
  line("seen.label_sum", real_text(m.seen.label_sum));
  if (m.has_stored()) line("stored.bias", real_text(m.stored.bias));
  return text;
}

// ---- reading ----

class model_reader {
 public:
  model_reader(byte_source& source, const std::string& name) : source_(source), name_(name) {}

  status read(std::unique_ptr<model>* out) {
    FMTRAIN_TRY(read_header());
    FMTRAIN_TRY(read_blocks());
    char more;
    size_t got = 0;
    FMTRAIN_TRY(source_.read(&more, 1, &got));
    if (got != 0) return damaged("there are bytes behind its end");
    *out = std::move(model_);
    return {};
  }

 private:
  status damaged(const std::string& what) const {
    return {errc::format, name_ + ": damaged model file: " + what};
  }

  status exactly(void* data, size_t size, const char* what) {
    size_t got = 0;
    FMTRAIN_TRY(source_.read(data, size, &got));
    if (got < size) return damaged(std::string("it ends inside ") + what);
    return {};
  }

  status read_header() {
    preamble front{};
    size_t got = 0;
    FMTRAIN_TRY(source_.read(&front, sizeof front, &got));
    const size_t comparable = std::min(got, sizeof magic);
    if (got == 0 || std::memcmp(front.magic, magic, comparable) != 0) {
      return {errc::format, name_ + ": not an fmtrain model" + (got == 0 ? " (it is empty)" : "")};
    }
    if (got < sizeof front) return damaged("it ends inside the header");
    if (front.version > model_file_version) {
      return {errc::version, name_ + ": written by a newer fmtrain: model format version " +
                                 std::to_string(front.version) + ", this one reads up to " +
                                 std::to_string(model_file_version)};
    }
    if (front.version == 0 || front.header_bytes > header_bytes_max) {
      return damaged("its header makes no sense");
    }
    std::string text(front.header_bytes, '\0');
    uint32_t stored_crc = 0;
    FMTRAIN_TRY(exactly(text.data(), text.size(), "the header"));
    FMTRAIN_TRY(exactly(&stored_crc, sizeof stored_crc, "the header"));
    const uint32_t crc = crc32c(crc32c(0, &front, sizeof front), text.data(), text.size());
    if (crc != stored_crc) return damaged("the checksum of the header does not match");
    return parse_header(text);
  }

  status parse_header(const std::string& text) {
    std::map<std::string, std::string> lines;
    for (size_t at = 0; at < text.size();) {
      const size_t newline = std::min(text.find('\n', at), text.size());
      const size_t equals = text.find('=', at);
      if (equals >= newline) return damaged("a header line has no '='");
      lines[text.substr(at, equals - at)] = text.substr(equals + 1, newline - equals - 1);
      at = newline + 1;
    }
    hyper h;
    for (const hyper_line& line : hyper_list()) {
      const auto found = lines.find(line.name);
      if (found == lines.end()) continue;  // older than this hyper-parameter: its default holds
      const status set = set_hyper(h, line.name, found->second);
      if (!set.ok()) return damaged(set.message());
      lines.erase(found);
    }
    const status checked = check_hyper(h);
    if (!checked.ok()) return damaged(checked.message());
    model_ = std::make_unique<model>(h, lines["names"] == "1");
    const bool stored = lines.count("stored.bias") > 0;
    if (stored) {
      model_->stored.rows = std::make_unique<table>(model_->factors(), false);
    }
    double rows = 0, samples = 0;
    const std::map<std::string, double*> numbers = {{"rows", &rows},
                                                    {"bias.z", &model_->bias.z},
                                                    {"bias.n", &model_->bias.n},
                                                    {"seen.samples", &samples},
                                                    {"seen.weight_sum", &model_->seen.weight_sum},
                                                    {"seen.label_sum", &model_->seen.label_sum},
                                                    {"stored.bias", &model_->stored.bias}};
    for (const auto& [key, value] : lines) {
      if (key == "names") continue;
      const auto number = numbers.find(key);
      if (number == numbers.end()) return damaged("unknown header line '" + key + "'");
      const char* const last = value.data() + value.size();
      const auto [end, error] = std::from_chars(value.data(), last, *number->second);
      if (error != std::errc() || end != last || !std::isfinite(*number->second)) {
        return damaged("the header's " + key + " is not a number");
      }
    }
    for (const auto& [key, count] : {std::pair("rows", rows), std::pair("seen.samples", samples)}) {
      if (count < 0 || count > counts_max || count != std::floor(count)) {
        return damaged("the header's " + std::string(key) + " is not a count");
      }
    }
    if (model_->bias.n < 0) return damaged("the header's bias.n is negative");
    rows_ = static_cast<uint64_t>(rows);
    model_->seen.samples = static_cast<uint64_t>(samples);
    return {};
  }

  status read_blocks() {
    for (;;) {
      block_head head{};
      FMTRAIN_TRY(exactly(&head, sizeof head, "a block"));
      if (head.head_crc != crc_of_head(head) || head.zero != 0 ||
          head.payload_bytes > block_bytes_max) {
        return damaged("the checksum of a block's head does not match");
      }
      payload_.resize(head.payload_bytes);
      FMTRAIN_TRY(exactly(payload_.data(), payload_.size(), "a block"));
      if (crc32c(0, payload_.data(), payload_.size()) != head.payload_crc) {
        return damaged("the checksum of a block does not match");
      }
      switch (static_cast<block_kind>(head.kind)) {
        case block_kind::rows: FMTRAIN_TRY(take_rows(head)); break;
        case block_kind::names: FMTRAIN_TRY(take_names(head)); break;
        case block_kind::stored: FMTRAIN_TRY(take_stored(head)); break;
        case block_kind::end: return check_end(head);
        default: return damaged("it has a block of unknown kind");
      }
    }
  }

  // Rows wait for their names: a row is inserted with its name or not at all.
  status take_rows(const block_head& head) {
    if (!waiting_.empty()) return damaged("names are missing");
    const size_t row_bytes = bytes_a_row();
    if (head.items > block_bytes_max || head.payload_bytes != head.items * row_bytes) {
      return damaged("a block of rows has the wrong size");
    }
    if (model_->rows().has_names()) {
      waiting_.swap(payload_);
      return {};
    }
    for (uint64_t i = 0; i < head.items; ++i) {
      FMTRAIN_TRY(insert_state(payload_.data() + i * row_bytes, {}));
    }
    return {};
  }

  status take_names(const block_head& head) {
    const size_t row_bytes = bytes_a_row();
    if (waiting_.empty() || head.items != waiting_.size() / row_bytes) {
      return damaged("a block of names does not follow its rows");
    }
    uint64_t at = head.items * sizeof(uint32_t);
    for (uint64_t i = 0; i < head.items; ++i) {
      uint32_t size = 0;
      if ((i + 1) * sizeof size <= payload_.size()) {
        std::memcpy(&size, payload_.data() + i * sizeof size, sizeof size);
      }
      if (at + size > payload_.size()) return damaged("a name ends outside its block");
      FMTRAIN_TRY(insert_state(waiting_.data() + i * row_bytes, {payload_.data() + at, size}));
      at += size;
    }
    if (at != payload_.size()) return damaged("a block of names has the wrong size");
    waiting_.clear();
    return {};
  }

  status take_stored(const block_head& head) {
    if (!model_->has_stored()) return damaged("it has stored weights but no stored bias");
    table& rows = *model_->stored.rows;
    if (head.items > block_bytes_max || head.payload_bytes != head.items * bytes_a_stored_row()) {
      return damaged("a block of stored weights has the wrong size");
    }
    for (uint64_t i = 0; i < head.items; ++i) {
      const char* const bytes = payload_.data() + i * bytes_a_stored_row();
      if (!model_->rows().find<alone>(id_at(bytes))) {
        return damaged("it has stored weights without a row");
      }
      row_ref row;
      FMTRAIN_TRY(insert(rows, bytes, {}, &row));
      const std::vector<float> numbers = numbers_at(bytes, 1 + model_->factors());
      row.w().z = numbers[0];
      for (size_t f = 0; f < model_->factors(); ++f) row.v[f].z = numbers[1 + f];
      FMTRAIN_TRY(check_finite(numbers));
    }
    return {};
  }

  static uint64_t id_at(const char* bytes) {
    uint64_t id = 0;
    std::memcpy(&id, bytes, sizeof id);
    return id;
  }

  size_t bytes_a_row() const {
    return sizeof(uint64_t) + (2 + 2 * model_->factors()) * sizeof(float);
  }
  size_t bytes_a_stored_row() const {
    return sizeof(uint64_t) + (1 + model_->factors()) * sizeof(float);
  }

  status insert_state(const char* bytes, std::string_view name) {
    row_ref row;
    FMTRAIN_TRY(insert(model_->rows(), bytes, name, &row));
    const size_t k = model_->factors();
    const std::vector<float> numbers = numbers_at(bytes, 2 + 2 * k);
    row.w() = {numbers[0], numbers[1]};
    // n is a sum of squares: below 0 its root, and with it every score, is NaN.
    bool negative = numbers[1] < 0;
    for (size_t f = 0; f < k; ++f) {
      row.v[f] = {numbers[2 + f], numbers[2 + k + f]};
      negative |= row.v[f].n < 0;
    }
    if (negative) return damaged("an n in it is negative");
    return check_finite(numbers);
  }

  std::vector<float> numbers_at(const char* bytes, size_t count) const {
    std::vector<float> numbers(count);
    std::memcpy(numbers.data(), bytes + sizeof(uint64_t), count * sizeof(float));
    return numbers;
  }

  status check_finite(const std::vector<float>& numbers) const {
    for (const float number : numbers) {
      if (!std::isfinite(number)) return damaged("a number in it is not finite");
    }
    return {};
  }

  status insert(table& rows, const char* bytes, std::string_view name, row_ref* out) {
    const uint64_t id = id_at(bytes);
    const uint64_t before = rows.rows_of_stripe(id);
    *out = rows.find_or_insert<alone>(id, name, [](row_ref) {});
    if (rows.rows_of_stripe(id) == before) return damaged("a feature stands in it twice");
    return {};
  }

  status check_end(const block_head& head) const {
    const bool stored_complete =
        !model_->has_stored() || model_->stored.rows->rows() == model_->rows().rows();
    if (head.payload_bytes != 0 || head.items != rows_ || model_->rows().rows() != rows_ ||
        !waiting_.empty() || !stored_complete) {
      return damaged("it does not hold all of its rows");
    }
    return {};
  }

  byte_source& source_;
  const std::string& name_;
  std::unique_ptr<model> model_;
  uint64_t rows_ = 0;
  std::string payload_, waiting_;
};

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
  FMTRAIN_TRY(write_rows(sink, block_kind::rows, m.rows()));
  if (m.has_stored()) FMTRAIN_TRY(write_rows(sink, block_kind::stored, *m.stored.rows));
  return write_block(sink, block_kind::end, {}, m.rows().rows());
}

status read_model(byte_source& source, const std::string& name, std::unique_ptr<model>* out) {
  return model_reader(source, name).read(out);
}

status save_model(const model& m, const std::string& path) {
  atomic_file file;
  FMTRAIN_TRY(file.open(path));
  FMTRAIN_TRY(write_model(m, file));
  return file.commit();
}

status load_model(const std::string& path, std::unique_ptr<model>* out) {
  file_source file;
  FMTRAIN_TRY(file.open(path));
  return read_model(file, path, out);
}

}  // namespace fmtrain
