// The test harness: TEST registers, CHECK* record what failed and go on, check_main.cc runs them.
// Checks may be made from any thread.
#pragma once

#include <atomic>
#include <cmath>
#include <cstdio>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

namespace check {

struct test {
  const char* name;
  void (*run)();
};

inline std::vector<test>& tests() {
  static std::vector<test> list;
  return list;
}
inline bool add(const char* name, void (*run)()) {
  tests().push_back({name, run});
  return true;
}

inline std::atomic<int> failures{0};
// A loop over a million cases that all fail must stay readable.
constexpr int printed_max = 20;

inline void fail(const char* file, int line, const std::string& what) {
  if (failures++ < printed_max) std::printf("%s:%d: %s\n", file, line, what.c_str());
}

template <class T>
std::string show(const T& value) {
  std::ostringstream out;
  out.precision(17);
  if constexpr (std::is_enum_v<T>) {
    out << static_cast<long long>(value);
  } else {
    out << value;
  }
  return out.str();
}

template <class A, class B>
void equal(const char* file, int line, const char* text, const A& a, const B& b) {
  if (!(a == b)) fail(file, line, std::string(text) + ": " + show(a) + " != " + show(b));
}

inline void near(const char* file, int line, const char* text, double a, double b, double by) {
  if (std::fabs(a - b) <= by) return;  // false for NaN
  fail(file, line,
       std::string(text) + ": " + show(a) + " is not within " + show(by) + " of " + show(b));
}

}  // namespace check

#define TEST(name)                                                           \
  static void name();                                                        \
  [[maybe_unused]] static const bool name##_added = check::add(#name, name); \
  static void name()

#define CHECK(condition) \
  ((condition) ? void() : check::fail(__FILE__, __LINE__, "CHECK(" #condition ")"))
#define CHECK_EQ(a, b) check::equal(__FILE__, __LINE__, "CHECK_EQ(" #a ", " #b ")", a, b)
#define CHECK_NEAR(a, b, by) check::near(__FILE__, __LINE__, "CHECK_NEAR(" #a ", " #b ")", a, b, by)
// The status is fine; otherwise its message is shown.
#define CHECK_OK(expression) CHECK_EQ((expression).message(), std::string())
