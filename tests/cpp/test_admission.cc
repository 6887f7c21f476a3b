// Admission against counts in a map: exact ones exactly, a filter's never too low.
#include "train/admission.h"

#include <atomic>
#include <thread>
#include <unordered_map>

#include "support.h"

namespace fmtrain {
namespace {

template <class Run>
void on_threads(size_t count, const Run& run) {
  std::vector<std::thread> running;
  for (size_t worker = 0; worker < count; ++worker)
    running.emplace_back([&, worker] { run(worker); });
  for (std::thread& thread : running) thread.join();
}

TEST(exact_counts_are_those_of_a_map) {
  for (const uint32_t needed : {2, 3, 255}) {
    admission counts(0);
    std::unordered_map<uint64_t, uint32_t> expected;
    test_random random(needed);
    for (int i = 0; i < 300000; ++i) {
      // Some often, most once; ids that differ in one end only, too.
      uint64_t id = random.below(3) == 0 ? random.next() : random.below(900);
      if (random.below(3) == 0) id <<= 55;
      const bool due = ++expected[id] == needed;
      CHECK_EQ(counts.admit(id, needed), due);
      if (due) expected.erase(id);
    }
    CHECK_EQ(counts.waiting(), expected.size());
    CHECK(counts.memory_bytes() <= expected.size() * 14 + 100000);
  }
}

TEST(the_first_sight_is_enough_for_one) {
  admission exact(0), filter(1 << 16);
  CHECK(exact.admit(7, 1));
  CHECK(filter.admit(7, 1));
  CHECK_EQ(exact.waiting(), 0u);
}

TEST(a_filter_is_never_late_and_rarely_early) {
  for (const uint32_t needed : {2, 5, 15}) {
    admission counts(1 << 20);
    std::unordered_map<uint64_t, uint32_t> expected;
    test_random random(needed);
    uint64_t early = 0, asked = 0;
    for (int i = 0; i < 400000; ++i) {
      const uint64_t id =
          random.below(4) == 0 ? random.next() : hash_detail::mix_final(random.below(9000));
      uint32_t& seen = expected[id];
      const bool due = ++seen >= needed, got = counts.admit(id, needed);
      CHECK(got || !due);
      if (due) continue;
      ++asked;
      early += got;
    }
    // 109,000 features in 2.1 million counters.
    CHECK(early < asked / 50);
    CHECK(counts.early_share(needed) < 0.02);
    CHECK_EQ(counts.memory_bytes(), 1u << 20);
  }
}

TEST(a_full_filter_lets_all_in_and_an_aged_one_forgets) {
  admission counts(64);
  test_random random(3);
  for (int i = 0; i < 10000; ++i) counts.admit(random.next(), 3);
  CHECK(counts.early_share(3) > 0.9);
  counts.age();
  counts.age();
  CHECK_EQ(counts.early_share(3), 0.0);

  admission exact(0);
  for (int i = 0; i < 3; ++i) exact.admit(1, 9);
  exact.admit(2, 9);
  exact.age();  // 3 -> 1, 1 -> none
  CHECK_EQ(exact.waiting(), 1u);
  CHECK(!exact.admit(1, 3));
  CHECK(exact.admit(1, 3));
}

// Every id is seen exactly `needed` times in all: exactly one sight admits it.
TEST(threads_count_every_sight_once) {
  constexpr uint32_t needed = 8;
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{1} << 20}) {
    admission counts(bytes);
    std::atomic<uint64_t> admitted{0};
    on_threads(needed, [&](size_t worker) {
      for (uint64_t i = 0; i < 3000; ++i) {
        const uint64_t id = hash_detail::mix_final((worker % 2 == 0 ? i : 2999 - i) + 1);
        if (counts.admit(id, needed)) ++admitted;
      }
    });
    CHECK(admitted >= 3000u);
    if (bytes == 0) {
      CHECK_EQ(admitted, 3000u);
      CHECK_EQ(counts.waiting(), 0u);
    }
  }
}

}  // namespace
}  // namespace fmtrain
