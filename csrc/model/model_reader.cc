// The reading half of the model file.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "model/model_file.h"
#include "model/model_format.h"
#include "model/score.h"

namespace fmtrain {

using namespace model_format;

namespace {

// Counts travel as decimal text and are read as doubles, which are whole numbers up to here.
constexpr double counts_max = 0x1p53;
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
    if (got >= sizeof magic && std::memcmp(front.magic, serving_magic, sizeof magic) == 0) {
      return {errc::format, name_ +
                                ": it is a serving file (fmtrain export --to serving), which "
                                "cannot be trained on, inspected or exported again: give the "
                                "model that it was made of"};
    }
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
    version_ = front.version;
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
    const auto take = [&lines](const char* key) {
      const auto line = lines.extract(key);
      return line.empty() ? std::string() : line.mapped();
    };
    const bool names = take("names") == "1";
    // Version 1 has no such lines.
    const bool tail = version_ > 1 && take("tail") == "1";
    const std::string rules = version_ > 1 ? take("expire_after") : "";
    model_ = std::make_unique<model>(h, names, tail);
    if (version_ > 1 && tail != model_->rows().has_tail()) {
      return damaged("its header's tail does not fit its factors");
    }
    const status expiry = model_->restore_expiry(rules);
    if (!expiry.ok()) return damaged(expiry.message());
    if (model_->expiry().on() && !model_->rows().has_tail()) {
      return damaged("its rows cannot expire: they have no tail");
    }
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
    // Not on the header's word alone: a small file that lies must not take the memory.
    model_->rows().reserve(std::min(rows_, source_.bytes() / bytes_a_row()));
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
        case block_kind::rows:
        case block_kind::heads: FMTRAIN_TRY(take_rows(head)); break;
        case block_kind::names: FMTRAIN_TRY(take_names(head)); break;
        case block_kind::stored: FMTRAIN_TRY(take_stored(head)); break;
        case block_kind::encoder: FMTRAIN_TRY(take_encoder()); break;
        case block_kind::end: return check_end(head);
        default: return damaged("it has a block of unknown kind");
      }
    }
  }

  status take_encoder() {
    if (version_ < 3 || model_->encoded.plan != nullptr) {
      return damaged("it has a block of unknown kind");
    }
    const auto seed = static_cast<uint32_t>(model_->hypers().hash_seed);
    const status unpacked = unpack_encoding(payload_, seed, &model_->encoded, &golden_);
    if (!unpacked.ok()) return damaged(unpacked.message());
    return model_->encoded.plan ? status() : damaged("its encoder has no schema");
  }

  // Rows wait for their names: a row is inserted with its name or not at all.
  status take_rows(const block_head& head) {
    if (!waiting_.empty()) return damaged("names are missing");
    const bool old = static_cast<block_kind>(head.kind) == block_kind::rows;
    if (old != (version_ == 1)) return damaged("it has a block of unknown kind");
    FMTRAIN_TRY(check_rows(head));
    if (model_->rows().has_names()) {
      waiting_.swap(payload_);
      waiting_items_ = head.items;
      return {};
    }
    return insert_rows(payload_, head.items, [](uint64_t) { return std::string_view(); });
  }

  // That the payload holds what the head says, so that nothing behind it is read.
  status check_rows(const block_head& head) {
    const status wrong = damaged("a block of rows has the wrong size");
    if (head.items > block_bytes_max) return wrong;
    uint64_t bytes = head.items * bytes_a_row();
    if (bytes > head.payload_bytes) return wrong;
    if (version_ > 1 && model_->rows().has_tail()) {
      for (uint64_t i = 0; i < head.items; ++i) {
        const uint32_t link = tail_at(payload_, i).link;
        const bool lanes = link == row_tail::has_lanes && model_->factors() > 0;
        if (!lanes && link >= row_tail::has_lanes) return damaged("a row's tail makes no sense");
        if (lanes) bytes += bytes_of_lanes();
      }
    }
    return bytes == head.payload_bytes ? status() : wrong;
  }

  status take_names(const block_head& head) {
    const uint64_t rows = waiting_items_;
    if (waiting_.empty() || head.items != rows) {
      return damaged("a block of names does not follow its rows");
    }
    std::vector<std::string_view> names(rows);
    uint64_t at = rows * sizeof(uint32_t);
    for (uint64_t i = 0; i < rows; ++i) {
      uint32_t size = 0;
      if ((i + 1) * sizeof size <= payload_.size()) {
        std::memcpy(&size, payload_.data() + i * sizeof size, sizeof size);
      }
      if (at + size > payload_.size()) return damaged("a name ends outside its block");
      names[i] = {payload_.data() + at, size};
      at += size;
    }
    if (at != payload_.size()) return damaged("a block of names has the wrong size");
    FMTRAIN_TRY(insert_rows(waiting_, rows, [&names](uint64_t i) { return names[i]; }));
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
      if (!model_->rows().find(id_at(bytes))) {
        return damaged("it has stored weights without a row");
      }
      row_ref row;
      FMTRAIN_TRY(insert(rows, id_at(bytes), {}, {row_tail::has_lanes, 0}, &row));
      std::memcpy(&row.w().z, bytes + sizeof(uint64_t), sizeof(float));
      FMTRAIN_TRY(check_state(&row.w(), 1));
      for (size_t f = 0; f < model_->factors(); ++f) {
        std::memcpy(&row.v[f].z, bytes + sizeof(uint64_t) + (1 + f) * sizeof(float), sizeof(float));
      }
      if (model_->factors() > 0) FMTRAIN_TRY(check_state(row.v, model_->factors()));
    }
    return {};
  }

  static uint64_t id_at(const char* bytes) {
    uint64_t id = 0;
    std::memcpy(&id, bytes, sizeof id);
    return id;
  }

  // Of a row in a block, lanes aside in version 2.
  size_t bytes_a_row() const {
    if (version_ == 1) return sizeof(row_head) + bytes_of_lanes();
    return sizeof(row_head) + (model_->rows().has_tail() ? sizeof(row_tail) : 0);
  }
  size_t bytes_of_lanes() const { return model_->factors() * sizeof(coordinate); }
  size_t bytes_a_stored_row() const {
    return sizeof(uint64_t) + (1 + model_->factors()) * sizeof(float);
  }
  row_tail tail_at(const std::string& payload, uint64_t row) const {
    row_tail tail;
    std::memcpy(&tail, payload.data() + row * bytes_a_row() + sizeof(row_head), sizeof tail);
    return tail;
  }

  template <class Name>
  status insert_rows(const std::string& payload, uint64_t items, const Name& name) {
    // The buckets of rows that come soon are fetched while earlier ones go in.
    constexpr uint64_t ahead = 16;
    const size_t row_bytes = bytes_a_row();
    const char* lanes = payload.data() + items * row_bytes;
    for (uint64_t i = 0; i < items; ++i) {
      const char* const bytes = payload.data() + i * row_bytes;
      if (i + ahead < items) model_->rows().prefetch(id_at(bytes + ahead * row_bytes));
      row_ref row;
      row_tail tail = {row_tail::has_lanes, 0};
      if (version_ > 1 && model_->rows().has_tail()) tail = tail_at(payload, i);
      FMTRAIN_TRY(insert(model_->rows(), id_at(bytes), name(i), tail, &row));
      std::memcpy(static_cast<void*>(&row.w()), bytes + sizeof(uint64_t), sizeof(coordinate));
      if (version_ == 1) {
        take_old_lanes(bytes + sizeof(row_head), row);
      } else if (row.v != nullptr) {
        std::memcpy(static_cast<void*>(row.v), lanes, bytes_of_lanes());
        lanes += bytes_of_lanes();
      }
      FMTRAIN_TRY(check_state(&row.w(), 1));
      if (row.v != nullptr) FMTRAIN_TRY(check_state(row.v, model_->factors()));
    }
    return {};
  }

  void take_old_lanes(const char* bytes, row_ref row) const {
    const size_t k = model_->factors();
    for (size_t f = 0; f < k; ++f) {
      std::memcpy(&row.v[f].z, bytes + f * sizeof(float), sizeof(float));
      std::memcpy(&row.v[f].n, bytes + (k + f) * sizeof(float), sizeof(float));
    }
  }

  // n is a sum of squares: below 0 its root, and with it every score, is NaN.
  status check_state(const coordinate* state, size_t count) const {
    bool finite = true, negative = false;
    for (size_t i = 0; i < count; ++i) {
      finite &= std::isfinite(state[i].z) && std::isfinite(state[i].n);
      negative |= state[i].n < 0;
    }
    if (!finite) return damaged("a number in it is not finite");
    return negative ? damaged("an n in it is negative") : status();
  }

  status insert(table& rows, uint64_t id, std::string_view name, row_tail tail, row_ref* out) {
    *out = rows.restore(id, name, tail);
    return *out ? status() : damaged("a feature stands in it twice");
  }

  status check_end(const block_head& head) const {
    const bool stored_complete =
        !model_->has_stored() || model_->stored.rows->rows() == model_->rows().rows();
    if (head.payload_bytes != 0 || head.items != rows_ || model_->rows().rows() != rows_ ||
        !waiting_.empty() || !stored_complete) {
      return damaged("it does not hold all of its rows");
    }
    const bool in_order = version_ > 3;
    const status golden =
        check_golden(model_->encoded.plan.get(), score_of(*model_), golden_, in_order);
    return golden.ok() ? status() : status(golden.code(), name_ + ": " + golden.message());
  }

  byte_source& source_;
  const std::string& name_;
  std::unique_ptr<model> model_;
  uint32_t version_ = 0;
  uint64_t rows_ = 0;
  std::vector<golden_row> golden_;
  std::string payload_, waiting_;
  uint64_t waiting_items_ = 0;
};

}  // namespace

status read_model(byte_source& source, const std::string& name, std::unique_ptr<model>* out) {
  return model_reader(source, name).read(out);
}

}  // namespace fmtrain
