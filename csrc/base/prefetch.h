// Starts fetching a cache line that will be written: it comes without a copy left in other cores,
// so that the write does not wait for them. Never waits, never faults.
#pragma once

namespace fmtrain {

inline void prefetch_to_write(const void* p) {
#if defined(__x86_64__)
  // What the builtin makes of it only when built for processors of 2014 and later; older ones take
  // the instruction for nothing.
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(p)));
#else
  __builtin_prefetch(p, 1);
#endif
}

}  // namespace fmtrain
