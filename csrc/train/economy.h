// What keeps the table small while a model learns: features are admitted at their N-th sight, rows
// that are not seen any more leave, and a cap on memory is kept by doing more of both.
//
// The rule of the cap, in this order: from three quarters of it on, the sights that admission asks
// for rise by one with every further sixteenth, to 5 at most by itself; when the table then refuses
// a row, a tenth of the rows leave, those of the smallest n in each stripe, and what the filter has
// counted is halved. Above the cap nothing is ever allocated: a feature whose row was refused
// scores 0 for the moment, as one that waits for admission.
//
// One object a trainer. With none of this asked for, on() is false and nothing here runs.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "feature/batch.h"
#include "model/model.h"
#include "train/admission.h"

namespace fmtrain {

struct economy_options {
  uint64_t filter_bytes = 0;          // admission counts in so many bytes; 0: exactly
  uint64_t max_bytes = 0;             // of the table and admission together; 0: no cap
  uint64_t now_minutes = 0;           // since 1970, at the start
  std::shared_ptr<admission> counts;  // of earlier runs, used where it fits what is asked for
};

struct economy_report {
  uint32_t min_count = 1;  // in force
  bool exact = true;
  uint64_t admission_bytes = 0;
  uint64_t waiting = 0;    // exact: features without a row
  double early_share = 0;  // filter: see admission
  uint64_t expired = 0;    // rows
  uint64_t evicted = 0;    // rows
  uint64_t evictions = 0;  // pauses that took them
  uint64_t refused = 0;    // sights of features for whose row there was no room
  uint64_t max_bytes = 0;
  uint64_t allocated_bytes = 0;  // what the cap is about
};

class economy {
 public:
  economy(model& m, const economy_options& options);
  ~economy();
  economy(const economy&) = delete;
  economy& operator=(const economy&) = delete;

  bool on() const { return on_; }
  const std::shared_ptr<admission>& counts() const { return counts_; }

  // The row of a feature of the batch, stamped; none when it is not admitted.
  template <class Locking>
  row_ref find(const batch& in, size_t feature, row_head* guessed) {
    const uint64_t id = in.id[feature];
    table& rows = model_.rows();
    row_ref row = rows.find(id, guessed);
    if (!row) {
      if (needed_ > 1 && !counts_->admit(id, needed_)) return {};
      const std::string_view name = in.name_of(feature);
      row = rows.find_or_insert<Locking>(id, name, [&](row_ref made) {
        model_.create(made);
        if (model_.expiry().on()) table::set_stamp(made.head, model_.expiry().group_bits(name));
      });
      if (!row) return {};
    }
    model_.stamp(row);
    return row;
  }

  // What follows a batch, by any worker: the clock goes on; true when a pause is due.
  bool after(const batch& in);
  // While nobody learns or holds a row.
  void tidy();
  // The end of a run: likewise.
  void finish();

  // While nobody tidies.
  economy_report report() const;

 private:
  void tell_time();
  void lift_limit();
  bool presses() const;
  void evict();
  void raise_admission();
  uint64_t used_bytes() const;
  uint32_t since_sweep() const;

  model& model_;
  bool on_ = false, limited_ = false;
  uint32_t needed_ = 1;
  const uint64_t max_bytes_;
  const uint64_t start_minutes_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  const uint64_t samples_before_;
  std::shared_ptr<admission> counts_;
  std::atomic<uint64_t> samples_{0};
  uint64_t raise_at_ = 0;  // bytes in use that raise admission
  uint64_t first_raise_at_ = 0;
  std::atomic<uint64_t> refused_settled_{0};
  std::atomic<uint32_t> swept_at_{0};
  uint64_t expired_ = 0, evicted_ = 0, evictions_ = 0, refused_before_ = 0;
};

}  // namespace fmtrain
