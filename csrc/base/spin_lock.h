// A one-byte lock for sections of tens of nanoseconds. It yields after a short spin, so that more
// threads than cores stay live: the holder may have been descheduled.
#pragma once

#include <atomic>
#include <thread>

namespace fmtrain {

// What to do between two looks at a lock that is held; `spin` counts them from 0.
inline void wait_for_a_lock(int spin) {
  constexpr int spins_max = 64;
  if (spin >= spins_max) {
    std::this_thread::yield();
    return;
  }
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class spin_lock {
 public:
  void lock() {
    while (held_.exchange(true, std::memory_order_acquire)) {
      for (int spin = 0; held_.load(std::memory_order_relaxed); ++spin) wait_for_a_lock(spin);
    }
  }
  void unlock() { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
};

}  // namespace fmtrain
