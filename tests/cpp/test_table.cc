// The feature table against std::unordered_map, over growth, and with ids made to collide.
#include "model/table.h"

#include <algorithm>
#include <unordered_map>

#include "support.h"

namespace fmtrain {
namespace {

struct expected_row {
  row_ref at;
  float mark;
  std::string name;
};

bool same(row_ref a, row_ref b) { return a.head == b.head && a.v == b.v; }

// All of a row's state is `value`.
bool holds(row_ref row, size_t lanes, float value) {
  bool all = row.w().z == value && row.w().n == value;
  for (size_t f = 0; f < lanes; ++f) all &= row.v[f].z == value && row.v[f].n == value;
  return all;
}

// Inserts the ids (again and again, if they repeat) into a table and a map and compares the two.
void check_against_map(const std::vector<uint64_t>& ids, size_t lanes, bool names) {
  table t(lanes, names);
  std::unordered_map<uint64_t, expected_row> expected;
  std::vector<uint64_t> order;
  for (const uint64_t id : ids) {
    const std::string name = "n" + std::to_string(id);
    const auto found = expected.find(id);
    CHECK_EQ(static_cast<bool>(t.find(id)), found != expected.end());
    const auto mark = static_cast<float>(order.size());
    bool created = false;
    const row_ref row = t.find_or_insert<alone>(id, name, [&](row_ref made) {
      created = true;
      CHECK_EQ(made.id(), id);
      CHECK_EQ(made.v != nullptr, lanes > 0);
      CHECK(holds(made, lanes, 0));
      made.w() = {mark, mark};
      std::fill(made.v, made.v + lanes, coordinate{mark, mark});
    });
    CHECK_EQ(created, found == expected.end());
    if (created) {
      expected[id] = {row, mark, name};
      order.push_back(id);
    } else {
      CHECK(same(row, found->second.at));
    }
  }
  CHECK_EQ(t.rows(), expected.size());
  for (const auto& [id, row] : expected) {
    const row_ref found = t.find(id);
    CHECK(same(found, row.at));  // rows never move
    CHECK_EQ(found.id(), id);
    CHECK(holds(found, lanes, row.mark));
    // A guess is a row or none; it changes nothing but the time that finding takes.
    row_head* const guess = t.guess<to_read>(id);
    CHECK(same(t.find(id, guess), found));
    CHECK(same(t.find(id, expected.begin()->second.at.head), found));
  }
  // Stripe by stripe, in order of insertion.
  std::stable_sort(order.begin(), order.end(),
                   [](uint64_t a, uint64_t b) { return (a >> 58) < (b >> 58); });
  size_t at = 0;
  t.for_each([&](row_ref row, std::string_view name) {
    CHECK_EQ(row.id(), order[at]);
    CHECK_EQ(std::string(name), names ? expected[order[at]].name : std::string());
    ++at;
  });
  CHECK_EQ(at, order.size());
  // Outgrown indexes count until they are freed; nothing else goes with them.
  const uint64_t with_retired = t.memory_bytes(), retired = t.retired_bytes();
  t.reclaim();
  CHECK_EQ(t.retired_bytes(), 0u);
  CHECK_EQ(t.memory_bytes(), with_retired - retired);
  for (const auto& [id, row] : expected) CHECK(same(t.find(id), row.at));
}

TEST(random_ids_over_growth) {
  test_random random(1);
  for (const size_t lanes : {0, 1, 4, 1024}) {
    std::vector<uint64_t> ids;
    const size_t count = lanes > 100 ? 2000 : 60000;
    for (size_t i = 0; i < count; ++i) {
      // A third of the draws come from a small set: they repeat.
      ids.push_back(
          hash_detail::mix_final(random.below(3) == 0 ? random.below(1000) : random.next()));
    }
    check_against_map(ids, lanes, lanes == 4);
  }
}

TEST(one_stripe_alone_grows) {
  test_random random(2);
  std::vector<uint64_t> ids;
  for (int i = 0; i < 30000; ++i) ids.push_back((uint64_t{0x2A} << 58) | (random.next() >> 6));
  check_against_map(ids, 3, true);
}

// Only bits 8 to 23 differ: one stripe, one bucket, one tag. From the 17th on every row has
// overflown into the next bucket, and every search reads the heads of all before it.
TEST(ids_of_one_bucket_and_tag) {
  for (const uint64_t rest : {uint64_t{0}, ~uint64_t{0}, uint64_t{0x7F00FFFFFF000001}}) {
    std::vector<uint64_t> ids;
    for (uint64_t i = 0; i < 1500; ++i) {
      ids.push_back((rest & ~uint64_t{0xFFFF00}) | ((i * 40503 & 0xFFFF) << 8));
    }
    check_against_map(ids, ids.front() & 1, false);
  }
}

// One bucket, all tags: what overflows is found by its tag in a bucket where it is not at home. An
// id that ends in 0 has the tag of one that ends in 1: 0 marks an empty slot.
TEST(ids_of_one_bucket_and_any_tag) {
  std::vector<uint64_t> ids;
  for (uint64_t i = 0; i < 2000; ++i) ids.push_back((i / 256) << 8 | i % 256);
  check_against_map(ids, 0, false);
}

// Homes in the last bucket: what overflows goes over the index's end to its start.
TEST(overflow_over_the_end) {
  std::vector<uint64_t> ids;
  for (uint64_t i = 0; i < 3000; ++i) ids.push_back((uint64_t{0xFFFFFFFF} - i % 7) << 24 | i);
  check_against_map(ids, 2, false);
}

// Whatever is asked for while the index grows under one's feet: the old index still finds what it
// held, and growing keeps what had overflown.
TEST(every_row_is_found_after_every_insertion) {
  table t(1, false);
  test_random random(3);
  std::vector<uint64_t> ids;
  uint64_t retired = 0, grown = 0;
  for (int i = 0; i < 700; ++i) {
    // Two stripes; in one of them a bucket that overflows.
    const uint64_t id = i % 2 == 0 ? random.next() >> 6 : (uint64_t{1} << 58) + (i % 5) * 0x900 + i;
    ids.push_back(id);
    t.find_or_insert<alone>(id, {}, [](row_ref) {});
    grown += t.retired_bytes() > retired;
    retired = t.retired_bytes();
    for (const uint64_t known : ids) {
      CHECK_EQ(t.find(known).head != nullptr, true);
      if (i % 50 == 0) CHECK_EQ(t.find(known, t.guess<to_read>(known)).id(), known);
    }
    CHECK_EQ(t.rows(), ids.size());
  }
  CHECK(grown > 4);
  size_t in_two = 0;
  for (const size_t stripe : {0, 1}) {
    t.for_each_in(stripe, [&in_two](row_ref, std::string_view) { ++in_two; });
  }
  CHECK_EQ(in_two, ids.size());
}

// Each index is a quarter larger than the one before: the outgrown ones together are less than five
// of the one in use, and after reclaim() there are none.
TEST(outgrown_indexes_wait_for_reclaim) {
  table t(0, false);
  test_random random(4);
  CHECK_EQ(t.retired_bytes(), 0u);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 30000; ++i) t.find_or_insert<alone>(random.next(), {}, [](row_ref) {});
    const uint64_t retired = t.retired_bytes(), all = t.memory_bytes();
    CHECK(retired > 0);
    const uint64_t in_use = all - retired - t.rows() * sizeof(row_head);
    CHECK(retired < 5 * in_use);
    t.reclaim();
    CHECK_EQ(t.memory_bytes(), all - retired);
    t.reclaim();  // there is nothing left to free
    CHECK_EQ(t.memory_bytes(), all - retired);
  }
}

TEST(the_extreme_ids) {
  check_against_map({0, ~uint64_t{0}, 1, uint64_t{1} << 63, 0xFF, 0}, 2, true);
}

TEST(what_was_never_inserted_is_not_found) {
  table t(2, false);
  test_random random(7);
  for (int i = 0; i < 20000; ++i) {
    t.find_or_insert<alone>(random.next() & ~uint64_t{1}, {}, [](row_ref) {});
  }
  for (int i = 0; i < 20000; ++i) CHECK(!t.find(random.next() | 1));
  t.prefetch(random.next());
}

// design.md: LR takes at most 24 bytes a feature all in, FM of 8 factors at most 96.
TEST(bytes_a_feature) {
  for (const auto& [factors, bytes_max] : {std::pair<size_t, double>{0, 24}, {8, 96}}) {
    table t(factors, false);
    test_random random(8);
    for (int i = 0; i < 300000; ++i) t.find_or_insert<alone>(random.next(), {}, [](row_ref) {});
    t.reclaim();
    const double rows = static_cast<double>(t.rows());
    CHECK(static_cast<double>(t.memory_bytes()) / rows <= bytes_max);
    CHECK(t.memory_bytes() >= t.rows() * (sizeof(row_head) + factors * sizeof(coordinate) + 4));
  }
}

TEST(names_of_any_bytes) {
  table t(2, true);
  const std::string names[] = {"", std::string("\0\n", 2), std::string(100000, 'x'), "z"};
  uint64_t id = 0;
  for (const std::string& name : names) t.find_or_insert<alone>(id++, name, [](row_ref) {});
  t.find_or_insert<alone>(1, "a later name of the same id", [](row_ref) {});
  size_t at = 0;
  t.for_each([&](row_ref row, std::string_view name) {
    CHECK_EQ(row.id(), at);
    CHECK(name == names[at++]);
  });
  CHECK_EQ(at, 4u);
}

}  // namespace
}  // namespace fmtrain
