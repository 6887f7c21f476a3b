// Puts back in order what workers finish out of it: source 3 may be done before source 2, and is
// kept until 2 has come.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "base/status.h"

namespace fmtrain {

template <class Item>
class in_order {
 public:
  explicit in_order(size_t early_max) : early_max_(early_max) {}

  // Calls emit(Item&&), one at a time and in order 0, 1, 2, ..., for this item and all that waited
  // for it. One slow source must not let the others pile up results without bound, so a worker that
  // is too far ahead waits; `stopped` tells it that the missing one may never come.
  template <class Stopped, class Emit>
  status put(uint64_t order, Item&& item, Stopped&& stopped, Emit&& emit) {
    std::unique_lock<std::mutex> hold(lock_);
    while (order != next_ && early_.size() >= early_max_) {
      if (stopped()) return {};
      moved_.wait_for(hold, std::chrono::milliseconds(50));
    }
    early_.emplace(order, std::move(item));
    for (auto first = early_.begin(); first != early_.end() && first->first == next_;
         first = early_.begin()) {
      Item ready = std::move(first->second);
      early_.erase(first);
      ++next_;
      moved_.notify_all();
      FMTRAIN_TRY(emit(std::move(ready)));
    }
    return {};
  }

  // Nobody calls put any more: whether something waits for what never came.
  bool waiting() const { return !early_.empty(); }

 private:
  std::mutex lock_;
  std::condition_variable moved_;
  uint64_t next_ = 0;               // order that is emitted next
  std::map<uint64_t, Item> early_;  // finished before their turn
  const size_t early_max_;
};

}  // namespace fmtrain
