#include "model/alphafm.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "model/learner.h"

namespace fmtrain {
namespace {

constexpr uint64_t head_words = 7;
constexpr size_t text_line_bytes_max = size_t{16} << 20;
const char* const bias_name = "bias";

bool parse_double(const char*& at, const char* last, double* value) {
  if (at < last && *at == '+') ++at;
  const auto [end, error] = std::from_chars(at, last, *value);
  if (error != std::errc()) return false;
  at = end;
  return at == last || *at == ' ';
}

}  // namespace

bool alphafm_record::is_zero() const {
  return w == 0 && std::all_of(v.begin(), v.end(), [](double lane) { return lane == 0; });
}

// ---- reading ----

status alphafm_reader::bad(const std::string& what) const {
  const std::string where = binary_ ? "" : " line " + std::to_string(read_) + ":";
  return {errc::format, path_ + ":" + where + " not a whole alphaFM model: " + what};
}

status alphafm_reader::open(const std::string& path, bool binary, int64_t factors) {
  if (factors > static_cast<int64_t>(factors_max)) {
    return {errc::invalid, "factors = " + std::to_string(factors) + " is more than the " +
                               std::to_string(factors_max) + " a model may have"};
  }
  path_ = path;
  binary_ = binary;
  FMTRAIN_TRY(file_.open(path));
  return binary ? open_binary(factors) : open_text(factors);
}

status alphafm_reader::open_binary(int64_t factors) {
  uint64_t head[head_words] = {};
  size_t got = 0;
  FMTRAIN_TRY(file_.read(head, sizeof head, &got));
  if (got < sizeof head || head[0] != 1) return bad("it does not start with version 1");
  if (head[5] != 1) return bad("its success flag is not set: its writer did not finish");
  number_bytes_ = head[1];
  if ((number_bytes_ != 8 && number_bytes_ != 4) || head[2] > factors_max) {
    return bad("its head makes no sense");
  }
  factors_ = head[2];
  features_ = head[3];
  nonzero_ = head[4];
  if (head[6] != (3 + 3 * factors_) * number_bytes_) return bad("its record size makes no sense");
  if (factors >= 0 && static_cast<uint64_t>(factors) != factors_) {
    return bad("it has " + std::to_string(factors_) + " factors, " + std::to_string(factors) +
               " were asked for");
  }
  return {};
}

status alphafm_reader::open_text(int64_t factors) {
  factors_ = factors < 0 ? 0 : static_cast<size_t>(factors);
  if (factors >= 0) return {};
  // The second line tells: 4 + 3 factors fields.
  alphafm_record bias;
  bool more = false;
  FMTRAIN_TRY(next_text(&bias, &more));
  FMTRAIN_TRY(next_line(&more));
  if (more) {
    const auto spaces = static_cast<size_t>(std::count(line_.begin(), line_.end(), ' '));
    if (spaces < 3 || (spaces - 3) % 3 != 0 || (spaces - 3) / 3 > factors_max) {
      return bad("a feature has 4 + 3 factors fields, this line has " + std::to_string(spaces + 1));
    }
    factors_ = (spaces - 3) / 3;
  }
  // Start over, now knowing the width.
  read_ = 0;
  buffer_.clear();
  buffer_at_ = 0;
  return file_.open(path_);
}

status alphafm_reader::next(alphafm_record* record, bool* more) {
  record->v.resize(factors_);
  record->v_n.resize(factors_);
  record->v_z.resize(factors_);
  return binary_ ? next_binary(record, more) : next_text(record, more);
}

double alphafm_reader::number(const char* at) const {
  if (number_bytes_ == 4) {
    float narrow;
    std::memcpy(&narrow, at, sizeof narrow);
    return static_cast<double>(narrow);
  }
  double wide;
  std::memcpy(&wide, at, sizeof wide);
  return wide;
}

status alphafm_reader::next_binary(alphafm_record* record, bool* more) {
  *more = read_ < features_;
  size_t got = 0;
  if (!*more) {
    char behind;
    FMTRAIN_TRY(file_.read(&behind, 1, &got));
    return got == 0 ? status() : bad("there are bytes behind its last record");
  }
  uint16_t size = 0;
  FMTRAIN_TRY(file_.read(&size, sizeof size, &got));
  if (got < sizeof size) return bad("it ends after " + std::to_string(read_) + " records");
  record->name.resize(size);
  FMTRAIN_TRY(file_.read(record->name.data(), size, &got));
  if (got < size) return bad("it ends inside a name");
  line_.resize((3 + 3 * factors_) * number_bytes_);
  FMTRAIN_TRY(file_.read(line_.data(), line_.size(), &got));
  if (got < line_.size()) return bad("it ends inside a record");
  const char* at = line_.data();
  const auto take = [&] {
    const double value = number(at);
    at += number_bytes_;
    return value;
  };
  record->w = take();
  record->w_n = take();
  record->w_z = take();
  for (auto* lanes : {&record->v, &record->v_n, &record->v_z}) {
    for (double& lane : *lanes) lane = take();
  }
  if (read_ == 0) {
    if (record->name != bias_name) return bad("its first record is not the bias");
    for (auto* lanes : {&record->v, &record->v_n, &record->v_z}) {
      std::fill(lanes->begin(), lanes->end(), 0.0);
    }
  }
  ++read_;
  return {};
}

status alphafm_reader::next_line(bool* more) {
  line_.clear();
  ++read_;
  for (;;) {
    const size_t newline = buffer_.find('\n', buffer_at_);
    if (newline != std::string::npos) {
      line_.append(buffer_, buffer_at_, newline - buffer_at_);
      buffer_at_ = newline + 1;
      *more = true;
      return {};
    }
    line_.append(buffer_, buffer_at_, std::string::npos);
    if (line_.size() > text_line_bytes_max) return bad("the line is too long");
    buffer_.resize(size_t{1} << 20);
    buffer_at_ = 0;
    size_t got = 0;
    FMTRAIN_TRY(file_.read(buffer_.data(), buffer_.size(), &got));
    buffer_.resize(got);
    if (got > 0) continue;
    *more = false;
    return line_.empty() ? status() : bad("it ends inside the line");
  }
}

status alphafm_reader::next_text(alphafm_record* record, bool* more) {
  FMTRAIN_TRY(next_line(more));
  const bool is_bias = read_ == 1;
  if (is_bias) {
    for (auto* lanes : {&record->v, &record->v_n, &record->v_z}) {
      std::fill(lanes->begin(), lanes->end(), 0.0);
    }
  }
  if (!*more) return is_bias ? bad("it is empty") : status();
  const size_t name_end = std::min(line_.find(' '), line_.size());
  record->name.assign(line_, 0, name_end);
  if (record->name.empty()) return bad("a name is empty");
  if (is_bias && record->name != bias_name) return bad("its first line is not the bias");

  const char* at = line_.data() + name_end;
  const char* const last = line_.data() + line_.size();
  bool complete = true;
  const auto take = [&](double* value) {
    complete = complete && at < last && *at == ' ' && parse_double(++at, last, value);
  };
  take(&record->w);
  if (!is_bias) {
    for (double& lane : record->v) take(&lane);
  }
  take(&record->w_n);
  take(&record->w_z);
  if (!is_bias) {
    for (double& lane : record->v_n) take(&lane);
    for (double& lane : record->v_z) take(&lane);
  }
  if (!complete || at != last) {
    const size_t fields = is_bias ? 4 : 4 + 3 * factors_;
    return bad("a name and " + std::to_string(fields - 1) + " numbers were expected");
  }
  return {};
}

// ---- writing ----

status alphafm_writer::begin(const alphafm_totals& totals) {
  if (format_ == alphafm_format::text) return {};
  const uint64_t number_bytes = format_ == alphafm_format::binary_double ? 8 : 4;
  // The bias counts as a feature, and as one that is not zero.
  const uint64_t head[head_words] = {1,
                                     number_bytes,
                                     factors_,
                                     totals.features + 1,
                                     totals.nonzero + 1,
                                     1,
                                     (3 + 3 * factors_) * number_bytes};
  return sink_.write(head, sizeof head);
}

status alphafm_writer::add(const alphafm_record& record) {
  out_.clear();
  FMTRAIN_TRY(format_ == alphafm_format::text ? add_text(record) : add_binary(record));
  bias_done_ = true;
  return sink_.write(out_.data(), out_.size());
}

status alphafm_writer::add_text(const alphafm_record& record) {
  if (record.name.empty() || record.name.find_first_of(" \n") != std::string::npos) {
    return {errc::invalid, "the name '" + record.name +
                               "' is empty or holds a space or a newline, which alphaFM's text "
                               "format cannot: export to alphaFM's binary format"};
  }
  const auto append = [&](double value) {
    char digits[40];
    char* const end = digits + sizeof digits;
    out_.push_back(' ');
    if (!exact_) {
      out_.append(digits, static_cast<size_t>(std::snprintf(digits, sizeof digits, "%g", value)));
    } else if (!bias_done_) {
      out_.append(digits, std::to_chars(digits, end, value).ptr);
    } else {
      out_.append(digits, std::to_chars(digits, end, static_cast<float>(value)).ptr);
    }
  };
  out_.append(record.name);
  append(record.w);
  if (bias_done_) std::for_each(record.v.begin(), record.v.end(), append);
  append(record.w_n);
  append(record.w_z);
  if (bias_done_) {
    std::for_each(record.v_n.begin(), record.v_n.end(), append);
    std::for_each(record.v_z.begin(), record.v_z.end(), append);
  }
  out_.push_back('\n');
  return {};
}

status alphafm_writer::add_binary(const alphafm_record& record) {
  if (record.name.size() > UINT16_MAX) {
    return {errc::invalid, "the name '" + record.name.substr(0, 40) +
                               "...' is longer than alphaFM's binary format allows (65535 bytes)"};
  }
  const auto size = static_cast<uint16_t>(record.name.size());
  out_.append(reinterpret_cast<const char*>(&size), sizeof size).append(record.name);
  const auto append = [&](double value) {
    const auto narrow = static_cast<float>(value);
    if (format_ == alphafm_format::binary_double) {
      out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    } else {
      out_.append(reinterpret_cast<const char*>(&narrow), sizeof narrow);
    }
  };
  append(record.w);
  append(record.w_n);
  append(record.w_z);
  for (const auto* lanes : {&record.v, &record.v_n, &record.v_z}) {
    std::for_each(lanes->begin(), lanes->end(), append);
  }
  return {};
}

// ---- model_bin_tool ----

status convert_alphafm(const std::string& from, bool from_binary, int64_t factors,
                       alphafm_format to, bool keep_zeros, byte_sink& sink) {
  alphafm_totals totals;
  alphafm_record record;
  bool more = false;
  // Two passes: the binary head wants the totals first.
  for (const bool writing : {false, true}) {
    alphafm_reader reader;
    FMTRAIN_TRY(reader.open(from, from_binary, factors));
    alphafm_writer writer(sink, to, reader.factors(), false);
    if (writing) FMTRAIN_TRY(writer.begin(totals));
    FMTRAIN_TRY(reader.next(&record, &more));
    if (writing) FMTRAIN_TRY(writer.add(record));
    FMTRAIN_TRY(reader.next(&record, &more));
    while (more) {
      const bool zero = record.is_zero();
      if (keep_zeros || !zero) {
        if (writing) {
          FMTRAIN_TRY(writer.add(record));
        } else {
          ++totals.features;
          totals.nonzero += zero ? 0 : 1;
        }
      }
      FMTRAIN_TRY(reader.next(&record, &more));
    }
  }
  return {};
}

}  // namespace fmtrain
