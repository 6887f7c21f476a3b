// alphaFM's model files, text and binary (double or float), record by record. exchange.h turns them
// into models and back.
//
// Text:    bias w n z                                         (first line)
//          name w v1..vk w_n w_z v_n1..v_nk v_z1..v_zk        (one line a feature)
// Binary:  u64 version = 1, number_bytes (8 | 4), factors, features, nonzero features, success = 1,
//          unit_bytes; then records: u16 name size, name, unit (w, w_n, w_z, v*k, v_n*k, v_z*k).
//          The bias is the first record, named "bias"; its v lanes mean nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/status.h"

namespace fmtrain {

enum class alphafm_format { text, binary_double, binary_float };

struct alphafm_record {
  std::string name;
  double w = 0, w_n = 0, w_z = 0;
  std::vector<double> v, v_n, v_z;  // (factors)

  bool is_zero() const;
};

class alphafm_reader {
 public:
  // factors < 0: as the file says (a text file without features says nothing: 0).
  status open(const std::string& path, bool binary, int64_t factors);
  // The bias comes first. *more = false after the last record.
  status next(alphafm_record* record, bool* more);

  size_t factors() const { return factors_; }
  size_t number_bytes() const { return number_bytes_; }
  uint64_t features() const { return features_; }         // binary: as the head says, with bias
  uint64_t nonzero_features() const { return nonzero_; }  // binary only

 private:
  status open_binary(int64_t factors);
  status open_text(int64_t factors);
  status next_binary(alphafm_record* record, bool* more);
  status next_text(alphafm_record* record, bool* more);
  status next_line(bool* more);
  status bad(const std::string& what) const;
  double number(const char* at) const;

  std::string path_;
  file_source file_;
  bool binary_ = false;
  size_t factors_ = 0, number_bytes_ = 0;
  uint64_t features_ = 0, nonzero_ = 0, read_ = 0;
  std::string buffer_, line_;
  size_t buffer_at_ = 0;
};

struct alphafm_totals {
  uint64_t features = 0, nonzero = 0;  // without the bias
};

// Writes the head, then one record after the other, the bias first.
class alphafm_writer {
 public:
  // Text numbers: six significant digits as alphaFM prints, or, with `exact`, as many as it takes
  // to read the same float back. The binary head holds the totals.
  alphafm_writer(byte_sink& sink, alphafm_format format, size_t factors, bool exact)
      : sink_(sink), format_(format), factors_(factors), exact_(exact) {}
  status begin(const alphafm_totals& totals);
  status add(const alphafm_record& record);

 private:
  status add_text(const alphafm_record& record);
  status add_binary(const alphafm_record& record);

  byte_sink& sink_;
  const alphafm_format format_;
  const size_t factors_;
  const bool exact_;
  bool bias_done_ = false;
  std::string out_;
};

// model_bin_tool's tasks 2 to 4: the numbers pass through unchanged.
status convert_alphafm(const std::string& from, bool from_binary, int64_t factors,
                       alphafm_format to, bool keep_zeros, byte_sink& sink);

}  // namespace fmtrain
