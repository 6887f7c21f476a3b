// The encoder that a model was trained with: it travels in the model file, with golden rows and
// with what was seen of the columns.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "encode/encoder.h"
#include "encode/golden.h"
#include "encode/guard.h"
#include "encode/row_source.h"

namespace fmtrain {

struct encoding {
  std::shared_ptr<const encoder> plan;  // nullptr: the model was trained on samples
  std::vector<std::string> rows;        // golden ones, as JSON
  guard_counts guards;                  // of all runs

  // What a run of training saw.
  void add_run(row_input& input);
};

// The payload of an encoder block (model file) or section (serving file): parts, each u32 kind,
// u32 0, u64 bytes, then
//   1 schema      JSON
//   2 forest      u32 bytes of its name, the name, forest::pack()
//   3 golden row  u32 bytes of the row, u32 features, the row, u64 ids, f32 x, f32 score
//   4 guards      a column: u64 rows, missing, nan, infinite, invalid, outside, unusual
// Without a plan there are golden rows alone, whose row is empty.
std::string pack_encoding(const encoding& of, const std::vector<golden_row>& golden);

// *expected: the golden rows as the file has them, for check_golden once the weights are there.
// Without a schema out->plan stays nullptr.
status unpack_encoding(const std::string& payload, uint32_t hash_seed, encoding* out,
                       std::vector<golden_row>* expected);

// A golden row's own features, in its own order, as the batch's one sample.
void take_features(const golden_row& row, batch& out);

// The score of the one sample in the batch.
using sample_score = std::function<float(const batch&)>;

// The golden rows of an encoder's rows. Those that do not encode (a weight that is no number) are
// left out.
std::vector<golden_row> make_golden(const encoding& of, const sample_score& score);

// That the rows still become the same features and the same scores, bit by bit. in_order: that the
// features are in the same order, too.
status check_golden(const encoder* plan, const sample_score& score,
                    const std::vector<golden_row>& expected, bool in_order);

}  // namespace fmtrain
