// Eight threads on the same ids: no row twice, no update lost, no race for the thread sanitizer.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "model/gather.h"
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

// Adds (z, n) to a coordinate that others add to as well.
void add(coordinate* to, coordinate what) {
  coordinate now = load<shared>(to), after;
  do after = {now.z + what.z, now.n + what.n};
  while (!exchange<shared>(to, now, after, &now));
}

// The same to every lane; under their lock nobody comes between the load and the store.
void add_to_lanes(row_ref row, size_t lanes, coordinate what) {
  table::lock_lanes(row.head);
  for (size_t f = 0; f < lanes; ++f) {
    const coordinate now = load<shared>(row.v + f);
    store<shared>(row.v + f, {now.z + what.z, now.n + what.n});
  }
  table::unlock_lanes(row.head);
}

TEST(no_update_is_lost) {
  table t(3, true);
  std::atomic<uint64_t> created{0};
  std::atomic<bool> done{false};
  // What progress() asks for while workers insert.
  std::thread watcher([&] {
    for (uint64_t before = 0; !done;) {
      const uint64_t rows = t.rows();
      CHECK(rows >= before);
      CHECK(t.memory_bytes() >= rows * (sizeof(row_head) + 3 * sizeof(coordinate)));
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
      row_head* const guess = t.guess<to_read>(id);
      const row_ref row = t.find_or_insert<shared>(
          id, std::to_string(number),
          [&](row_ref made) {
            ++created;
            made.v[2].n = 100;
          },
          guess);
      CHECK_EQ(row.id(), id);
      add(&row.w(), {1, 2});
      add_to_lanes(row, 3, {1, 1});
    }
  });
  done = true;
  watcher.join();

  CHECK_EQ(created, t.rows());
  double updates = 0;
  t.for_each([&](row_ref row, std::string_view name) {
    CHECK_EQ(row.id(), hash_detail::mix_final(std::stoull(std::string(name)) + 1));
    CHECK_EQ(row.w().n, 2 * row.w().z);
    for (size_t f = 0; f < 3; ++f) CHECK_EQ(row.v[f].z, row.w().z);
    CHECK_EQ(row.v[0].n, row.w().z);
    CHECK_EQ(row.v[2].n, row.w().z + 100);
    updates += static_cast<double>(row.w().z);
  });
  CHECK_EQ(updates, static_cast<double>(threads * rounds));
}

// One stripe: every insert waits for the same lock, growth happens under the readers' eyes.
TEST(all_on_one_stripe) {
  table t(1, false);
  on_all_threads([&](size_t) {
    for (uint64_t i = 0; i < 4000; ++i) {
      const uint64_t id = (i * 0x9E3779B97F4A7C15ULL) >> 6;
      const row_ref row = t.find_or_insert<shared>(id, {}, [](row_ref) {});
      CHECK_EQ(row.id(), id);
      CHECK(t.find(id).head == row.head);
      CHECK(t.find(id).v == row.v);
      add(&row.w(), {1, 2});
      add_to_lanes(row, 1, {3, 4});
    }
  });
  CHECK_EQ(t.rows(), 4000u);
  t.for_each([](row_ref row, std::string_view) {
    CHECK_EQ(row.w().z, 8.0f);
    CHECK_EQ(row.w().n, 16.0f);
    CHECK_EQ(row.v[0].z, 24.0f);
    CHECK_EQ(row.v[0].n, 32.0f);
  });
}

// Half of the threads insert, half find, without a lock and with guesses that may be stale. A row
// that was once announced is found ever after, in whatever index, whole as it was created; an id
// that nobody inserts is never found. Ids crowd in a few buckets of two stripes, so that what
// overflows is looked for while it is moved.
TEST(finding_takes_no_lock_while_others_insert_and_grow) {
  constexpr uint64_t inserted = 6000, inserters = threads / 2;
  const auto id_of_number = [](uint64_t writer, uint64_t i) {
    return (i & 1) << 58 | (i % 37) << 50 | writer << 44 | (i / 3) << 9 | (i % 5) * 2;
  };
  const auto mark_of = [](uint64_t writer, uint64_t i) {
    return static_cast<float>(writer * inserted + i);
  };
  table t(2, false);
  std::atomic<uint64_t> announced[inserters] = {};
  on_all_threads([&](size_t which) {
    const uint64_t writer = which % inserters;
    if (which < inserters) {
      for (uint64_t i = 0; i < inserted; ++i) {
        const float mark = mark_of(writer, i);
        t.find_or_insert<shared>(id_of_number(writer, i), {}, [mark](row_ref made) {
          made.w() = {mark, mark + 1};
          made.v[1] = {mark, mark + 2};
        });
        announced[writer].store(i + 1, std::memory_order_release);
      }
      return;
    }
    test_random random(which);
    for (uint64_t known = 0; known < inserted;) {
      known = announced[writer].load(std::memory_order_acquire);
      if (known == 0) std::this_thread::yield();
      for (uint64_t n = std::min<uint64_t>(known, 50); n > 0; --n) {
        const uint64_t i = random.below(2) == 0 ? known - n : random.below(known);
        const uint64_t id = id_of_number(writer, i);
        row_head* const guess = t.guess<to_read>(id);
        const row_ref row = t.find(id, random.below(2) == 0 ? guess : nullptr);
        CHECK(row && row.id() == id);
        if (!row) return;
        CHECK_EQ(row.w().z, mark_of(writer, i));
        CHECK_EQ(row.w().n, mark_of(writer, i) + 1);
        CHECK_EQ(row.v[1].n, mark_of(writer, i) + 2);
        CHECK(!t.find(id | 1, guess));
      }
    }
  });
  CHECK_EQ(t.rows(), inserted * inserters);
  CHECK(t.retired_bytes() > 0);
}

// Nobody waits for anybody: what an exchange overtook is seen and taken into account.
TEST(exchanges_of_one_w_lose_nothing) {
  table t(0, false);
  const row_ref row = t.find_or_insert<alone>(7, {}, [](row_ref) {});
  on_all_threads([&](size_t worker) {
    for (int i = 0; i < rounds; ++i) add(&row.w(), {worker % 2 == 0 ? 1.0f : -1.0f, 1});
  });
  CHECK_EQ(row.w().z, 0.0f);
  CHECK_EQ(row.w().n, static_cast<float>(threads * rounds));
}

// One that fails changes nothing and says what is there.
TEST(an_exchange_that_fails_says_why) {
  coordinate at = {1, 2}, now = {0, 0};
  CHECK(!exchange<shared>(&at, {1, 3}, {5, 6}, &now));
  CHECK(now.z == 1 && now.n == 2 && at.z == 1 && at.n == 2);
  now = {0, 0};
  CHECK(!exchange<alone>(&at, {-1, 2}, {5, 6}, &now));
  CHECK(now.z == 1 && now.n == 2 && at.z == 1 && at.n == 2);
  CHECK(exchange<shared>(&at, {1, 2}, {5, 6}, &now));
  CHECK(exchange<alone>(&at, {5, 6}, {7, 8}, &now));
  CHECK(at.z == 7 && at.n == 8);
}

// Two threads are never within the lock at once, and it hides no lanes from those who find the row
// meanwhile.
TEST(the_lock_of_lanes_is_one_threads) {
  table t(2, false);
  const row_ref row = t.find_or_insert<alone>(7, {}, [](row_ref) {});
  const row_ref other = t.find_or_insert<alone>(8, {}, [](row_ref) {});
  uint64_t within = 0;  // not atomic: a race for the sanitizer if the lock is none
  on_all_threads([&](size_t) {
    for (int i = 0; i < rounds / 4; ++i) {
      table::lock_lanes(row.head);
      CHECK_EQ(++within % 2, 1u);
      CHECK(t.find(7).v == row.v);
      CHECK_EQ(++within % 2, 0u);
      table::unlock_lanes(row.head);
    }
  });
  CHECK_EQ(within, threads * rounds / 4 * 2);
  table::lock_lanes(row.head);
  table::lock_lanes(other.head);  // a lock a row
  table::unlock_lanes(other.head);
  table::unlock_lanes(row.head);
  CHECK(t.find(7).v == row.v);
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
