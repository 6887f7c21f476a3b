// A fuzz target is one function over bytes and stops the process when an invariant breaks.
// libFuzzer searches with it (-DFMTRAIN_FUZZ=ON, clang), replay_main.cc runs it over its corpus as
// a test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// Not assert: release builds check too.
#define FUZZ_CHECK(condition)                                              \
  do {                                                                     \
    if (!(condition)) {                                                    \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                        \
    }                                                                      \
  } while (0)
