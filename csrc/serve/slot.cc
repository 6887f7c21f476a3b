#include "serve/slot.h"

#include <algorithm>
#include <utility>

namespace fmtrain {

slot::reader::reader(slot& of) : slot_(of) {
  const std::lock_guard<std::mutex> hold(slot_.lock_);
  slot_.readers_.push_back(this);
}

slot::reader::~reader() {
  const std::lock_guard<std::mutex> hold(slot_.lock_);
  std::vector<reader*>& all = slot_.readers_;
  all.erase(std::find(all.begin(), all.end(), this));
  for (size_t i = 0; i < tallies; ++i) {
    slot_.gone_counts_[i] += counts_[i].load(std::memory_order_relaxed);
  }
}

// In the one order of all sequentially consistent operations either this thread's second look comes
// before the exchange of a publisher, whose look at held_ then finds it, or it sees the new one.
const publication* slot::reader::hold() {
  const publication* seen = slot_.current_.load(std::memory_order_acquire);
  for (;;) {
    held_.store(seen, std::memory_order_seq_cst);
    const publication* const now = slot_.current_.load(std::memory_order_seq_cst);
    if (now == seen) return seen;
    seen = now;
  }
}

slot::~slot() { delete current_.load(std::memory_order_acquire); }

status slot::publish(std::shared_ptr<const loaded_model> model) {
  if (!model->file->verified()) {
    return {errc::state, "the model was not verified: call fms_model_verify before publishing it"};
  }
  auto next = std::make_unique<publication>();
  if (item_cache_bytes_ > 0) {
    next->items = std::make_unique<item_cache>(item_cache_bytes_, model->file->factors());
  }
  next->model = std::move(model);
  publications gone;  // freed behind the lock
  {
    const std::lock_guard<std::mutex> hold(lock_);
    if (closed()) return {errc::state, "the slot was destroyed"};
    next->number = ++published_;
    retired_.reserve(retired_.size() + 1);
    retired_.emplace_back(current_.exchange(next.release(), std::memory_order_seq_cst));
    gone = take_unheld();
  }
  return {};
}

uint64_t slot::reclaim() {
  publications gone;
  const std::lock_guard<std::mutex> hold(lock_);
  gone = take_unheld();
  return retired_.size();
}

slot::publications slot::take_unheld() {
  const auto held = [this](const std::unique_ptr<const publication>& p) {
    return std::any_of(readers_.begin(), readers_.end(), [&p](const reader* r) {
      return r->held_.load(std::memory_order_seq_cst) == p.get();
    });
  };
  const auto first = std::partition(retired_.begin(), retired_.end(),
                                    [&held](const auto& p) { return p != nullptr && held(p); });
  publications gone(std::make_move_iterator(first), std::make_move_iterator(retired_.end()));
  retired_.erase(first, retired_.end());
  return gone;
}

std::shared_ptr<const loaded_model> slot::current() const {
  // Only publishers free, and they need the lock.
  const std::lock_guard<std::mutex> hold(lock_);
  const publication* const now = current_.load(std::memory_order_acquire);
  return now == nullptr ? nullptr : now->model;
}

void slot::close() {
  publications gone;
  const std::lock_guard<std::mutex> hold(lock_);
  closed_.store(true, std::memory_order_release);
  retired_.emplace_back(current_.exchange(nullptr, std::memory_order_seq_cst));
  gone = take_unheld();
}

slot::counts slot::count() const {
  const std::lock_guard<std::mutex> hold(lock_);
  counts sum;
  for (size_t i = 0; i < tallies; ++i) {
    sum.of[i] = gone_counts_[i];
    for (const reader* r : readers_) sum.of[i] += r->counts_[i].load(std::memory_order_relaxed);
  }
  sum.published = published_;
  sum.retired = retired_.size();
  return sum;
}

}  // namespace fmtrain
