// Eight threads on the same ids: no row twice, no update lost, no race for the thread sanitizer.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "support.h"

namespace fmtrain {
namespace {

constexpr size_t threads = 8;
constexpr int rounds = 40000;

template <class Run>
void on_all_threads(Run&& run) {
  std::vector<std::thread> running;
  for (size_t worker = 0; worker < threads; ++worker)
    running.emplace_back([&, worker] { run(worker); });
  for (std::thread& thread : running) thread.join();
}

TEST(no_update_is_lost) {
  table t(4, true);
  std::atomic<uint64_t> created{0};
  std::atomic<bool> done{false};
  // What progress() asks for while workers insert.
  std::thread watcher([&] {
    for (uint64_t before = 0; !done;) {
      const uint64_t rows = t.rows();
      CHECK(rows >= before);
      CHECK(t.memory_bytes() >= rows * t.row_bytes());
      before = rows;
      std::this_thread::yield();
    }
  });
  on_all_threads([&](size_t worker) {
    test_random random(worker);
    for (int i = 0; i < rounds; ++i) {
      // A few ids that everybody wants, many that are new.
      const uint64_t number = random.below(2) == 0 ? random.below(5) : random.below(20000);
      const uint64_t id = hash_detail::mix_final(number + 1);
      t.prefetch(id);
      const row_ref row = t.find_or_insert<shared>(id, std::to_string(number), [&](float* values) {
        ++created;
        values[3] = 100;
      });
      const std::lock_guard<spin_lock> hold(t.lock_of(row.id()));
      row.values()[0] += 1;
      row.values()[3] += 1;
    }
  });
  done = true;
  watcher.join();

  CHECK_EQ(created, t.rows());
  double updates = 0;
  t.for_each([&](row_ref row, std::string_view name) {
    CHECK_EQ(row.id(), hash_detail::mix_final(std::stoull(std::string(name)) + 1));
    CHECK_EQ(row.values()[3], row.values()[0] + 100);
    updates += static_cast<double>(row.values()[0]);
  });
  CHECK_EQ(updates, static_cast<double>(threads * rounds));
}

// One stripe: every insert waits for the same lock, growth happens under the readers' eyes.
TEST(all_on_one_stripe) {
  table t(2, false);
  on_all_threads([&](size_t worker) {
    for (uint64_t i = 0; i < 4000; ++i) {
      const uint64_t id = (i * 0x9E3779B97F4A7C15ULL) >> 8;
      const row_ref row = t.find_or_insert<shared>(id, {}, [](float*) {});
      CHECK_EQ(row.id(), id);
      CHECK(t.find<shared>(id).bytes() == row.bytes());
      const std::lock_guard<spin_lock> hold(t.lock_of(id));
      row.values()[worker % 2] += 1;
    }
  });
  CHECK_EQ(t.rows(), 4000u);
  t.for_each([](row_ref row, std::string_view) {
    CHECK_EQ(row.values()[0], 4.0f);
    CHECK_EQ(row.values()[1], 4.0f);
  });
}

TEST(an_arena_gives_every_byte_once) {
  arena memory;
  std::mutex lock;
  std::vector<std::pair<char*, size_t>> taken;
  on_all_threads([&](size_t worker) {
    test_random random(worker);
    for (int i = 0; i < 300; ++i) {
      const size_t size = 1 + random.below(30000);
      char* const p = memory.take(size);
      CHECK_EQ(reinterpret_cast<uintptr_t>(p) % 64, 0u);
      std::fill(p, p + size, static_cast<char>(worker));
      const std::lock_guard<std::mutex> hold(lock);
      taken.emplace_back(p, size);
    }
  });
  std::sort(taken.begin(), taken.end());
  for (size_t i = 1; i < taken.size(); ++i) {
    CHECK(taken[i - 1].first + taken[i - 1].second <= taken[i].first);
  }
}

}  // namespace
}  // namespace fmtrain
