// Runs the tests whose name contains the first argument, all without one. Exit status 1 when a
// check failed, 2 when no test matched.
#include <cstdio>
#include <cstring>

#include "check.h"

int main(int argc, char** argv) {
  const char* const filter = argc > 1 ? argv[1] : "";
  int ran = 0, failed = 0;
  for (const check::test& test : check::tests()) {
    if (std::strstr(test.name, filter) == nullptr) continue;
    ++ran;
    check::failures = 0;
    test.run();
    const int failures = check::failures;
    if (failures > 0) ++failed;
    std::printf("%s %s", failures > 0 ? "FAILED" : "ok", test.name);
    if (failures > check::printed_max) std::printf(" (%d checks)", failures);
    std::printf("\n");
    std::fflush(stdout);
  }
  std::printf("%d tests, %d failed\n", ran, failed);
  if (ran == 0) return 2;
  return failed > 0 ? 1 : 0;
}
