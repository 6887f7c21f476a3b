// Starts fetching a cache line, for what will be done with it. Never waits, never faults.
#pragma once

namespace fmtrain {

struct to_read {
  static void prefetch(const void* p) { __builtin_prefetch(p); }
};

// The line comes without a copy left in other cores, so that the write does not wait for them.
// Where threads only read, it would take the line from each of them in turn.
struct to_write {
  static void prefetch(const void* p) {
#if defined(__x86_64__)
    // What the builtin makes of it only when built for processors of 2014 and later; older ones
    // take the instruction for nothing.
    asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(p)));
#else
    __builtin_prefetch(p, 1);
#endif
  }
};

}  // namespace fmtrain
