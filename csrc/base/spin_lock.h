// A one-byte lock for sections of tens of nanoseconds. It yields after a short spin, so that more
// threads than cores stay live: the holder may have been descheduled.
#pragma once

#include <atomic>
#include <thread>

namespace fmtrain {

inline void cpu_relax() {
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
      for (int spin = 0; held_.load(std::memory_order_relaxed); ++spin) {
        if (spin < spins_max) {
          cpu_relax();
        } else {
          std::this_thread::yield();
        }
      }
    }
  }
  void unlock() { held_.store(false, std::memory_order_release); }

 private:
  static constexpr int spins_max = 64;
  std::atomic<bool> held_{false};
};

}  // namespace fmtrain
