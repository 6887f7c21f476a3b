// Samples of a known model: what `fmtrain synth` prints and tests and benchmarks train on. Sample i
// is a pure function of (options, i), so any stretch of the stream can be made anywhere, and the
// true score of every sample is known.
//
// Field f has its own number of values, from 2 up to the whole of `dims`, geometrically apart; a
// value is drawn by Zipf's law: few features are everywhere, most are nearly never seen. The hidden
// model is LR or FM with weights drawn from (field, value).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace fmtrain {

struct synth_options {
  int64_t fields = 40;     // categorical, one value each a sample: "f07_31"
  int64_t dims = 1000000;  // categorical values, all fields together (about)
  int64_t numeric = 0;     // fields with a decimal value: "n03:-0.71"
  int64_t factors = 0;     // of the hidden model; 0: LR
  int64_t keys = 0;        // users in the "# key" of each line; 0: no key
  bool weights = false;    // positives weigh a watch time in seconds
  double zipf = 1.1;       // exponent of the law
  double ctr = 0.2;        // about the share of positives
  int64_t seed = 0;

  status check() const;
};

// "# fmtrain synth fields=40 dims=1000000 ...": the comment that heads the stream, and back.
std::string synth_header(const synth_options& options);
bool parse_synth_header(const std::string& line, synth_options* options);

class synth {
 public:
  explicit synth(const synth_options& options);

  // Samples [first, first + count) as text, and, where asked for, their true scores (log odds).
  std::string text(uint64_t first, uint64_t count, std::vector<float>* scores) const;

 private:
  // Zipf's law over 1..n by rejection-inversion (Hoermann and Derflinger 1996): no tables.
  class zipf_law {
   public:
    zipf_law(double n, double exponent);
    template <class Uniform>
    uint64_t draw(Uniform&& uniform) const;

   private:
    double integral(double x) const;
    double integral_inverse(double x) const;
    double density(double x) const;
    double n_, exponent_, integral_first_, integral_last_, shortcut_;
  };

  const synth_options options_;
  std::vector<zipf_law> fields_;
  zipf_law users_;
  double w_stdev_, v_stdev_, bias_;
};

}  // namespace fmtrain
