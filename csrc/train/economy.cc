#include "train/economy.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace fmtrain {
namespace {

constexpr uint32_t time_mask = (1u << row_tail::time_bits) - 1;
constexpr uint32_t raised_max = 5;
// Of a cap: what admission's filter may take of it, and where its sights begin to rise.
constexpr uint64_t filter_share = 16;
constexpr uint64_t sixteenths_to_raise = 12;
constexpr uint64_t evicted_share = 10;
// Rows expire in passes over the table: eight of them in the shortest time that any may stay.
constexpr uint32_t sweeps_a_life = 8;

// What stands for "seen" where nothing is counted: the sum of squared gradients. As bits it is in
// the order of the numbers, as it is never negative.
uint32_t seen_bits(row_ref row, size_t lanes) {
  float n = row.w().n;
  for (size_t f = 0; n == 0 && row.v != nullptr && f < lanes; ++f) n = row.v[f].n;
  uint32_t bits = 0;
  std::memcpy(&bits, &n, sizeof bits);
  return bits;
}

}  // namespace

economy::economy(model& m, const economy_options& options)
    : model_(m),
      needed_(static_cast<uint32_t>(m.hypers().min_count)),
      max_bytes_(options.max_bytes),
      start_minutes_(options.now_minutes),
      samples_before_(m.seen.samples) {
  on_ = needed_ > 1 || max_bytes_ > 0 || m.expiry().on();
  if (!on_) return;
  tell_time();
  swept_at_ = m.time();
  uint64_t filter_bytes = options.filter_bytes;
  if (filter_bytes == 0 && max_bytes_ > 0) filter_bytes = max_bytes_ / filter_share / 8 * 8;
  if (needed_ > 1 || max_bytes_ > 0) {
    const bool fits = options.counts != nullptr && options.counts->filter_bytes() == filter_bytes;
    counts_ = fits ? options.counts : std::make_shared<admission>(filter_bytes);
  }
  refused_before_ = refused_settled_ = m.rows().refused();
  if (max_bytes_ == 0) return;
  const uint64_t limit = max_bytes_ - std::min(filter_bytes, max_bytes_ - 1);
  m.rows().set_limit(limit);
  limited_ = true;
  raise_at_ = first_raise_at_ = limit / 16 * sixteenths_to_raise;
  // A model that comes larger than the cap is cut down to it.
  while (used_bytes() > limit && m.rows().rows() > 0) evict();
  m.rows().trim();
}

economy::~economy() { lift_limit(); }

void economy::lift_limit() {
  if (limited_) model_.rows().set_limit(0);
  limited_ = false;
}

uint64_t economy::used_bytes() const {
  return model_.rows().allocated_bytes() - model_.rows().free_bytes();
}

void economy::tell_time() {
  using namespace std::chrono;
  uint64_t now = 0;
  if (model_.expiry().clock() == expiry_clock::minutes) {
    const auto passed = duration_cast<minutes>(steady_clock::now() - start_).count();
    now = start_minutes_ + static_cast<uint64_t>(passed);
  } else {
    now = (samples_before_ + samples_) / expiry_rules::samples_a_unit;
  }
  model_.set_time(static_cast<uint32_t>(now) & time_mask);
}

uint32_t economy::since_sweep() const { return (model_.time() - swept_at_) & time_mask; }

bool economy::presses() const {
  return max_bytes_ > 0 && (model_.rows().refused() != refused_settled_ ||
                            (needed_ < raised_max && used_bytes() >= raise_at_));
}

bool economy::after(const batch& in) {
  samples_ += in.samples;
  if (!model_.expiry().on()) return presses();
  tell_time();
  return presses() || since_sweep() > model_.expiry().soonest() / sweeps_a_life;
}

void economy::tidy() {
  table& rows = model_.rows();
  rows.reclaim();
  if (model_.expiry().on() && since_sweep() > model_.expiry().soonest() / sweeps_a_life) {
    expired_ += model_.expire();
    swept_at_ = model_.time();
  }
  if (!presses()) return;
  raise_admission();
  if (rows.refused() == refused_settled_) return;
  if (rows.free_bytes() == 0) return evict();
  rows.trim();  // of rows that expired
  refused_settled_ = rows.refused();
}

void economy::raise_admission() {
  const uint64_t sixteenth = first_raise_at_ / sixteenths_to_raise + 1;
  while (needed_ < raised_max && used_bytes() >= raise_at_) {
    ++needed_;
    raise_at_ += sixteenth;
  }
}

// Stripe by stripe, as each needs room of its own; among equals the oldest leave.
void economy::evict() {
  table& rows = model_.rows();
  std::vector<uint32_t> seen;
  for (size_t s = 0; s < table::stripes; ++s) {
    seen.clear();
    rows.for_each_in(
        s, [&](row_ref row, std::string_view) { seen.push_back(seen_bits(row, rows.lanes())); });
    if (seen.empty()) continue;
    const size_t going = seen.size() / evicted_share + 1;
    const auto last = seen.begin() + static_cast<ptrdiff_t>(going - 1);
    std::nth_element(seen.begin(), last, seen.end());
    const uint32_t most = *last;
    const auto below = static_cast<size_t>(
        std::count_if(seen.begin(), last, [most](uint32_t n) { return n < most; }));
    size_t equals = going - below;
    evicted_ += rows.retain_in(s, [&](row_ref row, std::string_view) {
      const uint32_t n = seen_bits(row, rows.lanes());
      if (n != most || equals == 0) return n >= most;
      --equals;
      return false;
    });
  }
  // What is free now serves heads alone, or lanes alone: given back, it serves whoever comes.
  rows.trim();
  ++evictions_;
  if (counts_ != nullptr) counts_->age();
  refused_settled_ = rows.refused();
}

void economy::finish() {
  if (!on_) return;
  tell_time();
  expired_ += model_.expire();
  model_.rows().trim();
  lift_limit();
}

economy_report economy::report() const {
  economy_report r;
  r.min_count = needed_;
  if (counts_ != nullptr) {
    r.exact = counts_->exact();
    r.admission_bytes = counts_->memory_bytes();
    r.waiting = counts_->waiting();
    r.early_share = counts_->early_share(needed_);
  }
  r.expired = expired_;
  r.evicted = evicted_;
  r.evictions = evictions_;
  r.refused = model_.rows().refused() - refused_before_;
  r.max_bytes = max_bytes_;
  r.allocated_bytes = model_.rows().allocated_bytes() + r.admission_bytes;
  return r;
}

}  // namespace fmtrain
