// Work that was cut in order, done in order, whichever threads prepared it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace fmtrain {

class turns {
 public:
  // Waits until all work before `order` (0, 1, 2, ...) is over. False when `stopped()` says that it
  // never may be: the worker whose turn it is was stopped.
  template <class Stopped>
  bool wait_for(uint64_t order, const Stopped& stopped) {
    std::unique_lock<std::mutex> hold(lock_);
    while (order != next_) {
      if (stopped()) return false;
      moved_.wait_for(hold, std::chrono::milliseconds(50));
    }
    return true;
  }

  void over() {
    {
      const std::lock_guard<std::mutex> hold(lock_);
      ++next_;
    }
    moved_.notify_all();
  }

 private:
  std::mutex lock_;
  std::condition_variable moved_;
  uint64_t next_ = 0;
};

}  // namespace fmtrain
