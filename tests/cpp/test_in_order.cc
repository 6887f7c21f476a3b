// What workers finish out of order is emitted in order, and nobody runs far ahead.
#include "io/in_order.h"

#include <atomic>
#include <thread>
#include <vector>

#include "support.h"

namespace fmtrain {
namespace {

TEST(items_come_in_order) {
  in_order<int> order(100);
  std::vector<int> got;
  const auto never = [] { return false; };
  const auto emit = [&](int&& item) {
    got.push_back(item);
    return status();
  };
  for (const uint64_t at : {2, 0, 3, 1, 4}) {
    CHECK_OK(order.put(at, static_cast<int>(at) * 10, never, emit));
  }
  CHECK(got == (std::vector<int>{0, 10, 20, 30, 40}));
  CHECK(!order.waiting());
  CHECK_OK(order.put(7, 70, never, emit));
  CHECK(order.waiting());
}

TEST(threads_wait_for_the_slow_one) {
  constexpr int items = 2000;
  in_order<int> order(3);
  std::vector<int> got;
  std::atomic<uint64_t> next{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (uint64_t at = next++; at < items; at = next++) {
        CHECK_OK(order.put(
            at, static_cast<int>(at), [] { return false; },
            [&](int&& item) {
              got.push_back(item);
              return status();
            }));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(got.size(), size_t{items});
  for (int i = 0; i < items; ++i) CHECK_EQ(got[static_cast<size_t>(i)], i);
}

TEST(a_stop_frees_who_waits_and_an_error_is_passed_on) {
  in_order<int> order(1);
  const auto emit = [](int&&) { return status(errc::io, "full"); };
  CHECK_OK(order.put(1, 1, [] { return false; }, emit));
  CHECK_OK(order.put(2, 2, [] { return true; }, emit));
  CHECK_EQ(order.put(0, 0, [] { return false; }, emit).message(), std::string("full"));
}

}  // namespace
}  // namespace fmtrain
