// The single list of hyper-parameters. Native defaults and ranges, the Python signature, the
// command line's flags and help, and the model file's header all come from here: add a line and it
// exists everywhere.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace fmtrain {

enum class v_start : int { lazy, kept };

// X(kind, name, default, low, high, help)
//   kind: flag | integer | real | optional_real (absent = "as its namesake without prefix") | start
//   real ranges are closed; alpha and beta may not be 0 because the update divides by them.
#define FMTRAIN_HYPER(X)                                                                           \
  X(flag, bias, true, 0, 1, "Learn a bias, the term of every sample (k0).")                        \
  X(flag, linear, true, 0, 1, "Learn a weight w for every feature (k1).")                          \
  X(integer, factors, 8, 0, 1024,                                                                  \
    "Length k of every feature's factor v (k2); 0 is plain logistic"                               \
    " regression.")                                                                                \
  X(real, alpha, 0.05, 1e-9, 1e9, "FTRL learning rate of w and the bias.")                         \
  X(real, beta, 1.0, 1e-9, 1e9, "FTRL smoothing of the learning rate of w and the bias.")          \
  X(real, l1, 0.1, 0, 1e9, "L1 of w: a weight whose |z| stays within it is exactly 0.")            \
  X(real, l2, 5.0, 0, 1e9, "L2 of w. TensorFlow's FTRL means twice this number.")                  \
  X(optional_real, bias_l1, absent, 0, 1e9, "L1 of the bias; as --l1 when not given.")             \
  X(optional_real, bias_l2, absent, 0, 1e9, "L2 of the bias; as --l2 when not given.")             \
  X(real, v_alpha, 0.05, 1e-9, 1e9, "FTRL learning rate of v.")                                    \
  X(real, v_beta, 1.0, 1e-9, 1e9, "FTRL smoothing of the learning rate of v.")                     \
  X(real, v_l1, 0.1, 0, 1e9, "L1 of v.")                                                           \
  X(real, v_l2, 5.0, 0, 1e9, "L2 of v.")                                                           \
  X(real, init_stdev, 0.1, 0, 1e3, "Standard deviation of the draw that v starts from.")           \
  X(start, v_start, v_start::lazy, 0, 1,                                                           \
    "What the first update makes of that draw: lazy forgets"                                       \
    " it (alphaFM), kept goes on from it.")                                                        \
  X(integer, min_count, 1, 1, 255,                                                                 \
    "A feature gets its row when it is seen for the so-many-th time in a run; until then it "      \
    "scores"                                                                                       \
    " 0 and learns nothing.")                                                                      \
  X(integer, v_min_count, 1, 1, 1000000000,                                                        \
    "A feature gets its v when it is seen for the so-many-th time; until then its v is 0.")        \
  X(flag, force_v_sparse, false, 0, 1, "A feature whose w is 0 has v = 0 too (alphaFM's -fvs 1).") \
  X(integer, seed, 0, 0, INT64_MAX, "Seed of v's draws.")                                          \
  X(integer, hash_seed, 0, 0, UINT32_MAX, "Seed of the hash that turns names into ids.")

namespace hyper_kind {
using flag = bool;
using integer = int64_t;
using real = double;
using optional_real = double;  // NaN when absent
using start = v_start;
constexpr double absent = __builtin_nan("");
}  // namespace hyper_kind

struct hyper {
#define FMTRAIN_FIELD(kind, name, value, low, high, help) \
  hyper_kind::kind name = hyper_default_##name();
#define FMTRAIN_DEFAULT(kind, name, value, low, high, help)        \
  static hyper_kind::kind hyper_default_##name() {                 \
    [[maybe_unused]] constexpr double absent = hyper_kind::absent; \
    return value;                                                  \
  }
  FMTRAIN_HYPER(FMTRAIN_DEFAULT)
  FMTRAIN_HYPER(FMTRAIN_FIELD)
#undef FMTRAIN_DEFAULT
#undef FMTRAIN_FIELD

  double l1_of_bias() const { return bias_l1 == bias_l1 ? bias_l1 : l1; }
  double l2_of_bias() const { return bias_l2 == bias_l2 ? bias_l2 : l2; }
};

// One line of the list, for the doors that make flags and signatures of it.
struct hyper_line {
  const char* kind;
  const char* name;
  std::string value;  // the default, as set_hyper takes it
  double low, high;
  const char* help;
};
const std::vector<hyper_line>& hyper_list();

// Text in, text out: "0.05", "8", "true", "lazy", "" for an absent optional. Reals print the
// shortest digits that read back the same. The message names the parameter, the value and the
// range.
status set_hyper(hyper& h, const std::string& name, const std::string& value);
std::string get_hyper(const hyper& h, const std::string& name);

// What no single range can say.
status check_hyper(const hyper& h);

}  // namespace fmtrain
