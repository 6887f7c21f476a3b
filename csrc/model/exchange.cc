#include "model/exchange.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "feature/hash.h"

namespace fmtrain {
namespace {

std::string hex_id(uint64_t id) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(id));
  return digits;
}

template <class Real>
void append_number(std::string& text, Real value) {
  char digits[32];
  text.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// How many bytes the UTF-8 sequence at `at` has, or 0 when it is none.
size_t utf8_bytes(std::string_view s, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char lead = byte(at);
  const size_t size = lead < 0x80                   ? 1
                      : lead >= 0xC2 && lead < 0xE0 ? 2
                      : lead >= 0xE0 && lead < 0xF0 ? 3
                      : lead >= 0xF0 && lead < 0xF5 ? 4
                                                    : 0;
  if (size == 0 || at + size > s.size()) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and what lies past U+10FFFF.
  const unsigned char second = size > 1 ? byte(at + 1) : 0;
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second >= 0xA0) ||
      (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second >= 0x90)) {
    return 0;
  }
  return size;
}

// A JSON string. Bytes that are no UTF-8 become \udc80..\udcff, as Python's surrogateescape does.
void append_json_string(std::string& text, std::string_view s) {
  text.push_back('"');
  for (size_t at = 0; at < s.size();) {
    const size_t size = utf8_bytes(s, at);
    const auto byte = static_cast<unsigned char>(s[at]);
    if (size == 0 || byte < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%s%02x", size == 0 ? "dc" : "00", byte);
      text.append(escape);
    } else {
      if (byte == '"' || byte == '\\') text.push_back('\\');
      text.append(s.substr(at, size));
    }
    at += std::max<size_t>(size, 1);
  }
  text.push_back('"');
}

// A name from a dict or a DataFrame may hold what separates fields and lines.
void append_escaped(std::string& text, std::string_view name) {
  for (const char c : name) {
    switch (c) {
      case '\t': text.append("\\t"); break;
      case '\n': text.append("\\n"); break;
      case '\\': text.append("\\\\"); break;
      default: text.push_back(c);
    }
  }
}

// The model's rows as records, in table order.
class record_maker {
 public:
  explicit record_maker(const model& m) : model_(m), v_(m.factors()) {
    record_.v.resize(m.factors());
    record_.v_n.resize(m.factors());
    record_.v_z.resize(m.factors());
  }

  const alphafm_record& of_bias() {
    record_.name = "bias";
    record_.w = model_.bias_weight() + 0.0;  // -0 is written as 0, here and below
    record_.w_n = model_.bias.n;
    record_.w_z = model_.bias.z;
    return record_;
  }

  const alphafm_record& of(row_ref row, std::string_view name) {
    const size_t k = model_.factors();
    float w = 0;
    if (!model_.stored_weights_of(row.id(), &w, v_.data())) {
      model_.weights_of(row, &w, v_.data());
    }
    record_.name.assign(name);
    record_.w = static_cast<double>(w) + 0.0;
    record_.w_z = static_cast<double>(row.w().z);
    record_.w_n = static_cast<double>(row.w().n);
    for (size_t f = 0; f < k; ++f) {
      record_.v[f] = static_cast<double>(v_[f]) + 0.0;
      const coordinate lane = row.v == nullptr ? coordinate{0, 0} : row.v[f];
      record_.v_z[f] = static_cast<double>(lane.z);
      record_.v_n[f] = static_cast<double>(lane.n);
      // A lazy lane that never learned has z = 0; an import may have put its start there.
      const bool untouched = record_.v_n[f] == 0 && model_.hypers().v_start == v_start::lazy;
      if (untouched) record_.v_z[f] = 0;
    }
    return record_;
  }

 private:
  const model& model_;
  std::vector<float> v_;
  alphafm_record record_;
};

// One exported format: head, bias, features, foot. Each returns text to write.
class format_writer {
 public:
  virtual ~format_writer() = default;
  virtual status begin(const alphafm_totals& totals) = 0;
  virtual status bias(const alphafm_record& record) = 0;
  virtual status feature(uint64_t id, const alphafm_record& record) = 0;
  virtual status end() { return {}; }
};

class alphafm_format_writer : public format_writer {
 public:
  alphafm_format_writer(byte_sink& sink, alphafm_format format, size_t factors, bool exact)
      : writer_(sink, format, factors, exact) {}
  status begin(const alphafm_totals& totals) override { return writer_.begin(totals); }
  status bias(const alphafm_record& record) override { return writer_.add(record); }
  status feature(uint64_t, const alphafm_record& record) override { return writer_.add(record); }

 private:
  alphafm_writer writer_;
};

class text_format_writer : public format_writer {
 public:
  text_format_writer(byte_sink& sink, size_t factors) : sink_(sink), factors_(factors) {}

  status begin(const alphafm_totals& totals) override {
    return put("# fmtrain-text 1 factors=" + std::to_string(factors_) +
               " features=" + std::to_string(totals.features) + "\n");
  }
  status bias(const alphafm_record& record) override {
    std::string line = "bias\t";
    append_number(line, record.w);
    return put(line + "\n");
  }
  status feature(uint64_t id, const alphafm_record& record) override {
    line_.clear();
    if (record.name.empty()) {
      line_.append("id:").append(hex_id(id));
    } else {
      append_escaped(line_, record.name);
    }
    line_.push_back('\t');
    append_number(line_, static_cast<float>(record.w));
    for (const double lane : record.v) {
      line_.push_back('\t');
      append_number(line_, static_cast<float>(lane));
    }
    line_.push_back('\n');
    return put(line_);
  }

 private:
  status put(const std::string& text) { return sink_.write(text.data(), text.size()); }
  byte_sink& sink_;
  const size_t factors_;
  std::string line_;
};

class json_format_writer : public format_writer {
 public:
  json_format_writer(byte_sink& sink, const hyper& h) : sink_(sink), hyper_(h) {}

  status begin(const alphafm_totals&) override {
    std::string text = "{\"format\": \"fmtrain-json\", \"version\": 1, \"hyper\": {";
    const char* separator = "";
    for (const hyper_line& line : hyper_list()) {
      const std::string value = get_hyper(hyper_, line.name);
      text.append(separator).append("\"").append(line.name).append("\": ");
      const bool quoted = std::string(line.kind) == "start";
      text.append(value.empty() ? "null" : quoted ? "\"" + value + "\"" : value);
      separator = ", ";
    }
    return put(text + "},\n");
  }
  status bias(const alphafm_record& record) override {
    std::string text = "\"bias\": ";
    append_number(text, record.w);
    return put(text + ", \"features\": [");
  }
  status feature(uint64_t id, const alphafm_record& record) override {
    line_ = first_ ? "\n" : ",\n";
    first_ = false;
    line_.append("{\"id\": \"").append(hex_id(id)).append("\", \"name\": ");
    if (record.name.empty()) {
      line_.append("null");
    } else {
      append_json_string(line_, record.name);
    }
    line_.append(", \"w\": ");
    append_number(line_, static_cast<float>(record.w));
    line_.append(", \"v\": [");
    for (size_t f = 0; f < record.v.size(); ++f) {
      if (f > 0) line_.append(", ");
      append_number(line_, static_cast<float>(record.v[f]));
    }
    line_.append("]}");
    return put(line_);
  }
  status end() override { return put("\n]}\n"); }

 private:
  status put(const std::string& text) { return sink_.write(text.data(), text.size()); }
  byte_sink& sink_;
  const hyper& hyper_;
  std::string line_;
  bool first_ = true;
};

std::unique_ptr<format_writer> make_writer(const model& m, const export_options& options,
                                           byte_sink& sink) {
  const auto alphafm = [&](alphafm_format format) {
    return std::make_unique<alphafm_format_writer>(sink, format, m.factors(), options.exact);
  };
  switch (options.format) {
    case export_format::text: return std::make_unique<text_format_writer>(sink, m.factors());
    case export_format::json: return std::make_unique<json_format_writer>(sink, m.hypers());
    case export_format::alphafm_text: return alphafm(alphafm_format::text);
    case export_format::alphafm_binary_double: return alphafm(alphafm_format::binary_double);
    case export_format::alphafm_binary_float: return alphafm(alphafm_format::binary_float);
  }
  return nullptr;
}

// Passes bytes on and counts them; without a sink it only counts.
class counting_sink : public byte_sink {
 public:
  explicit counting_sink(byte_sink* sink) : sink_(sink) {}
  status write(const void* data, size_t size) override {
    bytes += size;
    return sink_ != nullptr ? sink_->write(data, size) : status();
  }
  uint64_t bytes = 0;

 private:
  byte_sink* const sink_;
};

bool needs_names(export_format format) {
  return format != export_format::text && format != export_format::json;
}

}  // namespace

status export_model(const model& m, const export_options& options, byte_sink& sink,
                    export_counts* counts) {
  if (needs_names(options.format) && !m.rows().has_names()) {
    return {errc::invalid,
            "alphaFM's formats need the features' names, which this model does not keep: train it "
            "with names (--names)"};
  }
  *counts = {};
  record_maker records(m);
  alphafm_totals totals;
  m.rows().for_each([&](row_ref row, std::string_view name) {
    const bool zero = records.of(row, name).is_zero();
    totals.features += options.keep_zeros || !zero ? 1 : 0;
    totals.nonzero += zero ? 0 : 1;
  });
  counting_sink written(&sink), saved(nullptr);
  const auto writer = make_writer(m, options, written);
  const auto dropper = make_writer(m, options, saved);
  FMTRAIN_TRY(writer->begin(totals));
  FMTRAIN_TRY(writer->bias(records.of_bias()));
  FMTRAIN_TRY(dropper->bias(records.of_bias()));
  saved.bytes = 0;
  status first;
  m.rows().for_each([&](row_ref row, std::string_view name) {
    const alphafm_record& record = records.of(row, name);
    const bool keep = options.keep_zeros || !record.is_zero();
    ++(keep ? counts->rows : counts->dropped);
    if (first.ok()) first = (keep ? writer : dropper)->feature(row.id(), record);
  });
  FMTRAIN_TRY(first);
  FMTRAIN_TRY(writer->end());
  counts->bytes = written.bytes;
  counts->bytes_saved = saved.bytes;
  return {};
}

// ---- import ----

namespace {

// The state that goes on from a lane that alphaFM never updated: n = 0 and its own draw as v.
float state_z(const ftrl<float>& rule, double z, double n, double weight) {
  if (n == 0 && z == 0 && weight != 0) return rule.z_for(static_cast<float>(weight), 0.0f);
  return static_cast<float>(z);
}

status check_finite(const alphafm_record& record, const std::string& path) {
  // Finite as the float it becomes.
  const auto fits = [](double value) { return std::isfinite(static_cast<float>(value)); };
  bool fine = fits(record.w) && fits(record.w_z) && fits(record.w_n) && record.w_n >= 0;
  for (size_t f = 0; f < record.v.size(); ++f) {
    fine = fine && fits(record.v[f]) && fits(record.v_z[f]) && fits(record.v_n[f]) &&
           record.v_n[f] >= 0;
  }
  if (fine) return {};
  return {errc::format, path + ": the numbers of '" + record.name +
                            "' are not a state: every one must be finite and n >= 0"};
}

}  // namespace

status import_alphafm(const std::string& path, bool binary, int64_t factors, hyper h,
                      std::unique_ptr<model>* out) {
  alphafm_reader reader;
  FMTRAIN_TRY(reader.open(path, binary, factors));
  h.factors = static_cast<int64_t>(reader.factors());
  FMTRAIN_TRY(check_hyper(h));
  const size_t k = reader.factors();
  auto m = std::make_unique<model>(h, true);
  m->stored.rows = std::make_unique<table>(k, false);
  const ftrl<float>& rule = m->update_rule().v;

  alphafm_record record;
  bool more = false;
  FMTRAIN_TRY(reader.next(&record, &more));
  FMTRAIN_TRY(check_finite(record, path));
  m->stored.bias = record.w;
  m->bias = {record.w_z, record.w_n};
  FMTRAIN_TRY(reader.next(&record, &more));
  while (more) {
    FMTRAIN_TRY(check_finite(record, path));
    const auto seed = static_cast<uint32_t>(h.hash_seed);
    const uint64_t id = hash_name(record.name.data(), record.name.size(), seed);
    // An imported row has its lanes, whatever v_min_count asks of later ones.
    const row_ref row = m->rows().restore(id, record.name, {row_tail::has_lanes, 0});
    if (!row) return {errc::format, path + ": '" + record.name + "' stands in it twice"};
    const row_ref weights = m->stored.rows->find_or_insert<alone>(id, {}, [](row_ref) {});
    weights.w().z = static_cast<float>(record.w);
    row.w() = {static_cast<float>(record.w_z), static_cast<float>(record.w_n)};
    for (size_t f = 0; f < k; ++f) {
      weights.v[f].z = static_cast<float>(record.v[f]);
      row.v[f] = {state_z(rule, record.v_z[f], record.v_n[f], record.v[f]),
                  static_cast<float>(record.v_n[f])};
    }
    FMTRAIN_TRY(reader.next(&record, &more));
  }
  *out = std::move(m);
  return {};
}

}  // namespace fmtrain
