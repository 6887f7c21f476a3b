// The scratch memory of one thread, and a request at a time in it: the user's side is taken once,
// then items are scored, eight at a time, until the deadline. What the functions promise stands in
// fmscore.h. Nothing is allocated from begin() to end() but where a row, or a model's k, is larger
// than all before, and by the first request on a new model where rows are raw.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "base/status.h"
#include "feature/batch.h"
#include "model/kernels.h"
#include "serve/fmscore.h"
#include "serve/request_record.h"
#include "serve/row_features.h"
#include "serve/score_sums.h"
#include "serve/slot.h"

namespace fmtrain {

// Features that lie somewhere: a part of a sample.
struct feature_span {
  const uint64_t* id = nullptr;
  const float* x = nullptr;  // nullptr: all 1
  uint64_t count = 0;

  // But those whose x is 0.
  void append_to(std::vector<uint64_t>& ids, std::vector<float>& values) const {
    for (uint64_t i = 0; i < count; ++i) {
      const float value = x == nullptr ? 1.0f : x[i];
      if (value == 0) continue;
      ids.push_back(id[i]);
      values.push_back(value);
    }
  }
};

struct term {
  uint64_t id;
  float x;
  bool known;
  double linear, pairwise;
};

struct explanation {
  std::vector<term> terms;
  double bias = 0, score = 0;
};

class context {
 public:
  struct options {
    bool prediction = false;  // scores come out behind the link
    bool record = false;
  };

  context(std::shared_ptr<slot> of, const options& how)
      : slot_(std::move(of)), how_(how), reader_(*slot_) {}

  status begin(const fms_rows* user);
  // scores, states (rows); states may be nullptr. *done: how many were scored.
  status score(const fms_rows& items, int64_t deadline_ns, float* scores, uint8_t* states,
               uint64_t* done);
  void end();
  // A request of its own.
  status score_text(std::string_view line, float* score);
  status explain(const fms_rows& item, explanation* out);

  bool in_request() const { return held_ != nullptr; }
  // Of the request.
  const loaded_model& model() const { return *held_->model; }
  // What the request scored so far; nullptr: none is kept.
  const request_record* record() const { return how_.record && in_request() ? &record_ : nullptr; }

  // Why the first FMS_ITEM_BAD of the last score() is bad.
  const std::string& bad_row() const { return bad_row_; }

 private:
  static constexpr size_t slice_max = 8;  // items between two looks at the clock

  // An item of a slice on its way.
  struct item {
    uint64_t number = 0;     // the host's
    feature_span own, rest;  // rest depends on the user too
    bool bad = false;
    bool finite = true;
    bool cached = false;  // the sums of its own features were in the item cache
  };
  // Features of one item in a look-up, up to `end`.
  struct piece {
    size_t item, end;
  };

  status hold();
  status take_user(const fms_rows& user);
  status add_user();
  status check_items(const fms_rows& items);
  status prepare_raw();
  void take_items(const fms_rows& items, uint64_t first, size_t count);
  void encode_items(uint64_t first, size_t count);
  void add_items(size_t count);
  void find_cached(size_t count);
  void join_user(size_t count);
  void add(feature_span item::* part, size_t count);
  void look_up(size_t features, const piece* pieces, size_t count);
  void put_out(const item& scored, running_score& sums, float* score, uint8_t* state);
  void keep(const item& scored);
  void count(tally what, uint64_t more) { counts_[static_cast<size_t>(what)] += more; }
  void count_out();

  const frozen& file() const { return *held_->model->file; }
  size_t factors() const { return file().factors(); }

  const std::shared_ptr<slot> slot_;
  const options how_;
  slot::reader reader_;
  const publication* held_ = nullptr;
  uint64_t counts_[tallies] = {};  // not told to the reader yet

  // Of the request.
  bool whole_rows_ = true;  // no user
  int32_t form_ = 0;        // of the user
  score_sums user_;
  request_record record_;  // the user's features always, items' on request

  // Of the slice.
  item_cache* cache_ = nullptr;
  item items_[slice_max];
  score_sums sums_[slice_max];

  // Of a look-up.
  uint64_t id_[lookup_max];
  float x_[lookup_max];
  const float* rows_[lookup_max];
  frozen::scratch looked_up_;

  // Of raw rows and text.
  uint64_t encodes_for_ = 0;  // publication's number
  std::unique_ptr<row_features> encodes_;
  batch encoded_;
  std::vector<uint64_t> raw_id_;  // of the slice's items, end to end
  std::vector<float> raw_x_;
  std::vector<char> text_;
  std::string bad_row_;
};

}  // namespace fmtrain
