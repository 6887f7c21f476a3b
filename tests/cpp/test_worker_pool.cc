// The queue and its workers: everything once, the first error to the caller, no way to hang.
#include "io/worker_pool.h"

#include <numeric>
#include <stdexcept>

#include "support.h"

namespace fmtrain {
namespace {

using milliseconds = std::chrono::milliseconds;
constexpr milliseconds wait{20};

void push_always(worker_pool<int>& pool, int item) {
  while (!pool.push(item, wait)) {
  }
}

TEST(every_item_is_run_once) {
  for (const size_t threads : {1, 2, 8}) {
    std::vector<std::atomic<int>> runs(5000);
    std::vector<int> by_worker(threads);  // only its own worker writes an entry
    worker_pool<int> pool(threads, 3, [&](size_t worker, int item) -> status {
      ++runs[static_cast<size_t>(item)];
      ++by_worker[worker];
      return {};
    });
    for (int item = 0; item < 5000; ++item) push_always(pool, item);
    CHECK_OK(pool.finish());
    for (const auto& count : runs) CHECK_EQ(count, 1);
    CHECK_EQ(std::accumulate(by_worker.begin(), by_worker.end(), 0), 5000);
  }
}

TEST(a_full_queue_keeps_the_item_with_its_owner) {
  std::atomic<bool> go{false};
  std::atomic<int> sum{0};
  worker_pool<std::unique_ptr<int>> pool(1, 1, [&](size_t, std::unique_ptr<int> item) -> status {
    while (!go) std::this_thread::yield();
    sum += *item;
    return {};
  });
  // One in the worker's hand, one queued; then there is no room.
  int pushed = 0;
  auto item = std::make_unique<int>(1);
  while (pool.push(item, wait)) {
    CHECK(item == nullptr);
    item = std::make_unique<int>(++pushed * 10 + 1);
  }
  CHECK(item != nullptr);
  CHECK(pushed >= 1 && pushed <= 2);
  go = true;
  while (!pool.push(item, wait)) {
  }
  CHECK_OK(pool.finish());
  CHECK_EQ(sum, pushed == 1 ? 1 + 11 : 1 + 11 + 21);
}

TEST(the_first_error_is_handed_over_and_stops_all) {
  for (const size_t threads : {1, 4}) {
    std::atomic<int> runs{0};
    worker_pool<int> pool(threads, 2, [&](size_t, int item) -> status {
      ++runs;
      if (item == 7) return {errc::invalid, "seven"};
      if (item > 7) std::this_thread::sleep_for(milliseconds(1));
      return {};
    });
    for (int item = 0; item < 100000; ++item) push_always(pool, item);
    const status first = pool.finish();
    CHECK_EQ(first.code(), errc::invalid);
    CHECK_EQ(first.message(), std::string("seven"));
    CHECK(pool.stopped());
    CHECK(runs < 1000);
    CHECK_EQ(pool.finish().message(), std::string("seven"));
  }
}

TEST(a_later_error_does_not_replace_the_first) {
  worker_pool<int>* of = nullptr;
  std::atomic<bool> ready{false};
  worker_pool<int> pool(2, 2, [&](size_t, int item) -> status {
    while (!ready) std::this_thread::yield();
    if (item == 0) return {errc::invalid, "first"};
    while (!of->stopped()) std::this_thread::yield();
    return {errc::invalid, "later"};
  });
  of = &pool;
  for (int item : {1, 0}) push_always(pool, item);
  ready = true;
  CHECK_EQ(pool.finish().message(), std::string("first"));
}

TEST(a_stop_wakes_a_push_that_waits_for_room) {
  std::atomic<bool> go{false};
  worker_pool<int> pool(1, 1, [&](size_t, int) -> status {
    while (!go) std::this_thread::yield();
    return {};
  });
  for (int item = 0; pool.push(item, wait);) {
  }
  std::thread stopper([&] {
    std::this_thread::sleep_for(wait);
    pool.stop();
  });
  const auto start = std::chrono::steady_clock::now();
  int item = 0;
  CHECK(pool.push(item, std::chrono::seconds(30)));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(15));
  stopper.join();
  go = true;
  CHECK_OK(pool.finish());
}

TEST(exceptions_become_errors) {
  worker_pool<int> memory(2, 2, [](size_t, int) -> status { throw std::bad_alloc(); });
  push_always(memory, 1);
  CHECK_EQ(memory.finish().code(), errc::memory);
  worker_pool<int> other(2, 2, [](size_t, int) -> status { throw std::runtime_error("thrown"); });
  push_always(other, 1);
  CHECK_EQ(other.finish().message(), std::string("thrown"));
}

TEST(stop_drops_the_queue_and_never_hangs) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> runs{0};
    worker_pool<int> pool(4, 4, [&](size_t, int) -> status {
      ++runs;
      return {};
    });
    std::thread stopper([&] {
      if (round % 2 == 0) std::this_thread::yield();
      pool.stop();
    });
    for (int item = 0; item < 100; ++item) push_always(pool, item);
    stopper.join();
    CHECK_OK(pool.finish());
    CHECK(pool.stopped());
    const int before = runs;
    push_always(pool, 1);
    CHECK_EQ(runs, before);
  }
}

TEST(a_pool_that_is_dropped_or_idle_ends) {
  for (int round = 0; round < 100; ++round) {
    std::atomic<int> runs{0};
    {
      worker_pool<int> pool(3, 8, [&](size_t, int) -> status {
        ++runs;
        return {};
      });
      for (int item = 0; item < round % 5; ++item) push_always(pool, item);
    }
    CHECK(runs <= round % 5);
    worker_pool<int> idle(3, 8, [](size_t, int) -> status { return {}; });
    CHECK_OK(idle.finish());
  }
}

}  // namespace
}  // namespace fmtrain
