// Requests that are kept: what comes out is what was scored, and never more is there than may be.
#include <atomic>
#include <limits>
#include <thread>

#include "snapshots_support.h"

namespace fmtrain {
namespace {

constexpr size_t mib = size_t{1} << 20;

size_t bytes_of(std::string_view id, const request_record& record) {
  return kept_request(id, record, 0).bytes();
}

bool holds(snapshots& store, std::string_view id, int64_t now = 0) {
  kept_request out;
  return store.take(id, now, &out);
}

// ---- what comes out ----

TEST(the_users_features_come_first_then_the_items) {
  snapshots store(mib, 0);
  const request_record record = record_of(
      {{1, 1.0f}, {2, 0.5f}}, {{70, {{10, 1.0f}, {11, -2.0f}}}, {71, {}}, {72, {{12, 3.0f}}}});
  CHECK_OK(store.keep("r", record, 0));
  kept_request got;
  CHECK(store.take("r", 0, &got));
  CHECK_EQ(got.request_id(), "r");
  const float labels[] = {1.0f, 0.25f, 0.0f};
  const std::vector<taken_sample> expected = {
      {72, 1.0f, {{1, 1.0f}, {2, 0.5f}, {12, 3.0f}}},
      {71, 0.25f, {{1, 1.0f}, {2, 0.5f}}},
      {70, 0.0f, {{1, 1.0f}, {2, 0.5f}, {10, 1.0f}, {11, -2.0f}}}};
  CHECK(samples_of(got, {72, 71, 70}, labels) == expected);
}

TEST(items_come_in_the_order_shown_as_often_as_shown_and_unknown_ones_do_not) {
  const kept_request request("r", plain_record(5, 2), 0);
  std::vector<uint64_t> items;
  for (const taken_sample& s : samples_of(request, {4, 99, 0, 4, 5, 1})) {
    items.push_back(s.item);
    CHECK_EQ(s.label, 0.0f);
    const test_row features = {{0, 1.0f}, {1000 * s.item, 1.0f}, {1000 * s.item + 1, 1.0f}};
    CHECK(s.features == features);
  }
  CHECK(items == std::vector<uint64_t>({4, 0, 4, 1}));
  CHECK(samples_of(request, {}).empty());
}

// A label stays with its item when an item before it is passed over.
TEST(labels_are_those_of_the_shown_items) {
  const kept_request request("r", plain_record(3, 1), 0);
  const float labels[] = {0.5f, 1.0f, 0.25f};
  const std::vector<taken_sample> got = samples_of(request, {9, 2, 0}, labels);
  CHECK_EQ(got.size(), 2u);
  CHECK_EQ(got[0].label, 1.0f);
  CHECK_EQ(got[1].label, 0.25f);
}

TEST(an_item_that_was_scored_twice_is_as_it_was_scored_last) {
  const kept_request request("r", record_of({}, {{7, {{1, 1.0f}}}, {7, {{2, 1.0f}, {3, 1.0f}}}}),
                             0);
  const std::vector<taken_sample> expected = {{7, 0.0f, {{2, 1.0f}, {3, 1.0f}}}};
  CHECK(samples_of(request, {7}) == expected);
}

TEST(a_call_can_end_it) {
  const kept_request request("r", plain_record(5, 1), 0);
  const uint64_t shown[] = {9, 3, 2, 1};
  size_t calls = 0;
  const size_t found =
      request.for_each(shown, nullptr, 4, [&](const snapshot_sample&) { return ++calls < 2; });
  CHECK_EQ(calls, 2u);
  CHECK_EQ(found, 2u);
}

TEST(a_request_without_items_or_features_is_kept) {
  snapshots store(mib, 0);
  CHECK_OK(store.keep("", record_of({}, {}), 0));
  CHECK_OK(store.keep("r", record_of({}, {{1, {}}}), 0));
  kept_request got;
  CHECK(store.take("", 0, &got));
  CHECK(samples_of(got, {1}).empty());
  CHECK(store.take("r", 0, &got));
  CHECK_EQ(samples_of(got, {1}).size(), 1u);
}

// Also of ids that are bytes, and that begin alike.
TEST(requests_are_told_apart_by_all_bytes_of_their_ids) {
  snapshots store(mib, 0);
  const std::vector<std::string> ids = {"a",
                                        "ab",
                                        std::string("a\0", 2),
                                        std::string("a\0b", 3),
                                        "",
                                        std::string(5000, 'x'),
                                        std::string(4999, 'x')};
  for (size_t i = 0; i < ids.size(); ++i) CHECK_OK(store.keep(ids[i], plain_record(1, 1, i), 0));
  for (size_t i = 0; i < ids.size(); ++i) {
    kept_request got;
    CHECK(store.take(ids[i], 0, &got));
    CHECK(got.request_id() == ids[i]);
    CHECK_EQ(samples_of(got, {0})[0].features[0].first, i);
  }
}

TEST(any_record_comes_out_as_it_went_in) {
  test_random random(5);
  snapshots store(64 * mib, 0);
  for (uint64_t round = 0; round < 200; ++round) {
    const bool ones = random.below(2) == 0;
    const auto some = [&](size_t most) {
      test_row list(random.below(most));
      for (auto& [id, x] : list) {
        id = random.next();
        x = ones ? 1.0f : static_cast<float>(random.between(-3, 3));
      }
      return list;
    };
    const test_row user = some(20);
    std::vector<std::pair<uint64_t, test_row>> items(random.below(40));
    for (auto& [item, features] : items) {
      item = random.next();
      features = some(30);
    }
    const std::string id = "request " + std::to_string(round);
    CHECK_OK(store.keep(id, record_of(user, items), 0));
    std::vector<uint64_t> shown;
    std::vector<taken_sample> expected;
    for (auto& [item, features] : items) {
      shown.push_back(item);
      expected.push_back({item, 0.0f, user});
      test_row& all = expected.back().features;
      all.insert(all.end(), features.begin(), features.end());
    }
    kept_request got;
    CHECK(store.take(id, 0, &got));
    CHECK(samples_of(got, shown) == expected);
  }
}

// ---- how long ----

TEST(a_request_is_taken_once) {
  snapshots store(mib, 0);
  CHECK_OK(store.keep("r", plain_record(3, 3), 0));
  CHECK(!holds(store, "other"));
  CHECK(holds(store, "r"));
  CHECK(!holds(store, "r"));
  const snapshot_stats stats = store.stats(0);
  CHECK_EQ(stats.requests, 0u);
  CHECK_EQ(stats.bytes, 0u);
  CHECK_EQ(stats.kept, 1u);
  CHECK_EQ(stats.taken, 1u);
}

TEST(an_id_that_is_there_is_replaced) {
  snapshots store(mib, 0);
  CHECK_OK(store.keep("r", plain_record(3, 30, 5), 0));
  CHECK_OK(store.keep("r", plain_record(3, 3, 6), 0));
  const snapshot_stats stats = store.stats(0);
  CHECK_EQ(stats.requests, 1u);
  CHECK_EQ(stats.kept, 2u);
  CHECK_EQ(stats.evicted, 0u);
  CHECK_EQ(stats.bytes, bytes_of("r", plain_record(3, 3)));
  kept_request got;
  CHECK(store.take("r", 0, &got));
  CHECK_EQ(samples_of(got, {0})[0].features[0].first, 6u);
  CHECK(!holds(store, "r"));
}

TEST(what_is_older_than_the_bound_is_not_found) {
  snapshots store(mib, 100);
  for (const char* id : {"a", "b", "c"}) CHECK_OK(store.keep(id, plain_record(1, 1), 1000));
  CHECK(holds(store, "a", 1100));
  CHECK(!holds(store, "b", 1101));
  const snapshot_stats stats = store.stats(1101);
  CHECK_EQ(stats.requests, 0u);
  CHECK_EQ(stats.bytes, 0u);
  CHECK_EQ(stats.taken, 1u);
  CHECK_EQ(stats.expired, 2u);
}

// Nobody needs to ask for what is too old: it leaves as others come.
TEST(what_is_too_old_leaves_when_another_comes) {
  snapshots store(mib, 100);
  CHECK_OK(store.keep("a", plain_record(1, 1), 0));
  CHECK_OK(store.keep("b", plain_record(1, 1), 50));
  CHECK_OK(store.keep("c", plain_record(1, 1), 101));
  // At 0 nothing is too old, so what is missing has left before.
  CHECK_EQ(store.stats(0).requests, 2u);
  CHECK_EQ(store.stats(0).expired, 1u);
  CHECK(!holds(store, "a", 0));
  CHECK(holds(store, "b", 0));
}

// The clock of one thread may have been read before that of another that kept first.
TEST(age_is_the_requests_own) {
  snapshots store(mib, 100);
  CHECK_OK(store.keep("later", plain_record(1, 1), 60));
  CHECK_OK(store.keep("earlier", plain_record(1, 1), 0));
  CHECK(!holds(store, "earlier", 120));
  CHECK_EQ(store.stats(120).expired, 1u);
  CHECK(holds(store, "later", 120));
}

TEST(without_a_bound_nothing_is_too_old) {
  snapshots store(mib, 0);
  CHECK_OK(store.keep("r", plain_record(1, 1), 0));
  CHECK(holds(store, "r", std::numeric_limits<int64_t>::max()));
}

// ---- how much ----

TEST(the_oldest_leave_first) {
  const request_record record = plain_record(4, 4);
  const size_t one = bytes_of("0", record);
  snapshots store(3 * one + one / 2, 0);
  for (const char* id : {"0", "1", "2", "3", "4"}) {
    CHECK_OK(store.keep(id, record, 0));
    CHECK(store.stats(0).bytes <= 3 * one);
  }
  CHECK_EQ(store.stats(0).evicted, 2u);
  CHECK_EQ(store.stats(0).requests, 3u);
  for (const char* id : {"0", "1"}) CHECK(!holds(store, id));
  for (const char* id : {"4", "3", "2"}) CHECK(holds(store, id));
}

TEST(a_replaced_request_is_a_new_one) {
  const request_record record = plain_record(4, 4);
  snapshots store(2 * bytes_of("0", record), 0);
  for (const char* id : {"0", "1", "0", "2"}) CHECK_OK(store.keep(id, record, 0));
  CHECK(!holds(store, "1"));
  CHECK(holds(store, "0"));
}

TEST(as_many_leave_as_a_large_one_needs) {
  const request_record small = plain_record(1, 1), large = plain_record(30, 30);
  snapshots store(bytes_of("large", large) + bytes_of("0", small), 0);
  for (const char* id : {"0", "1", "2", "3"}) CHECK_OK(store.keep(id, small, 0));
  CHECK_OK(store.keep("large", large, 0));
  CHECK_EQ(store.stats(0).requests, 2u);
  CHECK_EQ(store.stats(0).evicted, 3u);
  CHECK(holds(store, "3"));
  CHECK(holds(store, "large"));
}

TEST(a_request_that_does_not_fit_is_refused_and_nothing_leaves) {
  const request_record small = plain_record(1, 1), large = plain_record(30, 30);
  const size_t room = bytes_of("large", large) - 1;
  snapshots store(room, 0);
  CHECK_OK(store.keep("small", small, 0));
  const status refused = store.keep("large", large, 0);
  CHECK_EQ(refused.code(), errc::invalid);
  CHECK_EQ(refused.message(), "the request takes " + std::to_string(room + 1) +
                                  " bytes, more than " + std::to_string(room) +
                                  ", which is what snapshots of " + std::to_string(room) +
                                  " bytes have for one: raise max_bytes");
  CHECK_EQ(store.stats(0).kept, 1u);
  CHECK(holds(store, "small"));
}

TEST(an_x_of_one_takes_no_room) {
  const request_record ones = plain_record(10, 10);
  request_record other = ones;
  other.x[7] = 2;
  CHECK_EQ(bytes_of("r", other), bytes_of("r", ones) + 101 * sizeof(float));
  CHECK(bytes_of("r", ones) >= 101 * sizeof(uint64_t));
  CHECK(bytes_of("r", ones) <= 101 * sizeof(uint64_t) + 10 * 16 + 300);
}

// Over many parts the bound is that of all of them, and what is left is the latest.
TEST(a_large_store_holds_the_bound_and_keeps_the_latest) {
  const request_record record = plain_record(100, 100);
  const size_t one = bytes_of("100", record), room = 4 * snapshots::part_bytes_min;
  snapshots store(room, 0);
  const size_t kept = 3 * room / one;
  for (size_t i = 0; i < kept; ++i) {
    CHECK_OK(store.keep(std::to_string(i), record, 0));
    CHECK(store.stats(0).bytes <= room);
  }
  const size_t there = store.stats(0).requests;
  CHECK(there * one > room - 4 * one - room / 100);  // every part is full
  size_t latest = 0;
  for (size_t i = kept - there / 2; i < kept; ++i) latest += holds(store, std::to_string(i));
  CHECK_EQ(latest, there / 2);
}

// ---- threads ----

TEST(eight_threads_keep_and_take) {
  constexpr size_t threads = 8, rounds = 400, names = 1000;
  const size_t room = 3 * snapshots::part_bytes_min;
  snapshots store(room, 500);
  std::atomic<int64_t> now{0};
  std::atomic<uint64_t> kept{0}, taken{0};
  std::vector<std::thread> running;
  for (size_t t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      test_random random(t);
      for (size_t i = 0; i < rounds; ++i) {
        const std::string id = std::to_string(random.below(names));
        const uint64_t salt = random.below(1000) * 1000000;
        if (random.below(2) == 0) {
          CHECK_OK(store.keep(id, plain_record(1 + random.below(60), 600, salt), ++now));
          ++kept;
          continue;
        }
        kept_request got;
        if (!store.take(id, now, &got)) continue;
        ++taken;
        CHECK(got.request_id() == id);
        // Whole, and all of the same record.
        const std::vector<taken_sample> samples = samples_of(got, {0, 100});
        CHECK_EQ(samples.size(), 1u);
        const test_row& features = samples[0].features;
        CHECK_EQ(features.size(), 601u);
        CHECK(features[0].first == features[1].first &&
              features[1].first + 599 == features[600].first);
        CHECK(store.stats(now).bytes <= room);
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  const snapshot_stats stats = store.stats(now);
  CHECK_EQ(stats.kept, kept);
  CHECK_EQ(stats.taken, taken);
  CHECK(taken > 0 && stats.evicted > 0);
  CHECK(stats.requests + stats.taken + stats.expired + stats.evicted <= stats.kept);
  for (size_t i = 0; i < names; ++i) holds(store, std::to_string(i), now);
  CHECK_EQ(store.stats(now).requests, 0u);
  CHECK_EQ(store.stats(now).bytes, 0u);
}

}  // namespace
}  // namespace fmtrain
