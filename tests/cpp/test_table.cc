// The feature table against std::unordered_map, over growth, and with ids made to collide.
#include "model/table.h"

#include <algorithm>
#include <unordered_map>

#include "support.h"

namespace fmtrain {
namespace {

struct expected_row {
  char* at;
  float first;
  std::string name;
};

// Inserts the ids (again and again, if they repeat) into a table and a map and compares the two.
void check_against_map(const std::vector<uint64_t>& ids, size_t row_floats, bool names) {
  table t(row_floats, names);
  std::unordered_map<uint64_t, expected_row> expected;
  std::vector<uint64_t> order;
  for (const uint64_t id : ids) {
    const std::string name = "n" + std::to_string(id);
    const auto found = expected.find(id);
    CHECK_EQ(static_cast<bool>(t.find<alone>(id)), found != expected.end());
    const auto mark = static_cast<float>(order.size());
    bool created = false;
    const row_ref row = t.find_or_insert<alone>(id, name, [&](float* values) {
      created = true;
      for (size_t i = 0; i < row_floats; ++i) CHECK_EQ(values[i], 0.0f);
      values[0] = mark;
      values[row_floats - 1] = mark;
    });
    CHECK_EQ(created, found == expected.end());
    if (created) {
      expected[id] = {row.bytes(), mark, name};
      order.push_back(id);
    }
  }
  CHECK_EQ(t.rows(), expected.size());
  for (const auto& [id, row] : expected) {
    const row_ref found = t.find<alone>(id);
    CHECK(found.bytes() == row.at);  // rows never move
    CHECK_EQ(found.id(), id);
    CHECK_EQ(found.values()[0], row.first);
    CHECK_EQ(found.values()[row_floats - 1], row.first);
  }
  // Stripe by stripe, in order of insertion.
  std::stable_sort(order.begin(), order.end(),
                   [](uint64_t a, uint64_t b) { return (a >> 56) < (b >> 56); });
  size_t at = 0;
  t.for_each([&](row_ref row, std::string_view name) {
    CHECK_EQ(row.id(), order[at]);
    CHECK_EQ(std::string(name), names ? expected[order[at]].name : std::string());
    ++at;
  });
  CHECK_EQ(at, order.size());
}

TEST(random_ids_over_growth) {
  test_random random(1);
  for (const size_t row_floats : {2, 10, 2 + 2 * 1024}) {
    std::vector<uint64_t> ids;
    const size_t count = row_floats > 100 ? 2000 : 60000;
    for (size_t i = 0; i < count; ++i) {
      // A third of the draws come from a small set: they repeat.
      ids.push_back(
          hash_detail::mix_final(random.below(3) == 0 ? random.below(1000) : random.next()));
    }
    check_against_map(ids, row_floats, row_floats == 10);
  }
}

TEST(one_stripe_alone_grows) {
  test_random random(2);
  std::vector<uint64_t> ids;
  for (int i = 0; i < 30000; ++i) ids.push_back((uint64_t{0xAB} << 56) | (random.next() >> 8));
  check_against_map(ids, 2, true);
}

// Only bits 8 to 23 differ: one stripe, one home, one fingerprint. Every probe is a chain.
TEST(ids_of_one_home_and_fingerprint) {
  for (const uint64_t rest : {uint64_t{0}, ~uint64_t{0}, uint64_t{0x7F00FFFFFF000001}}) {
    std::vector<uint64_t> ids;
    for (uint64_t i = 0; i < 1500; ++i) {
      ids.push_back((rest & ~uint64_t{0xFFFF00}) | ((i * 40503 & 0xFFFF) << 8));
    }
    check_against_map(ids, 2, false);
  }
}

// Homes in the last slots: chains run over the index's end to its start.
TEST(chains_over_the_end) {
  std::vector<uint64_t> ids;
  for (uint64_t i = 0; i < 3000; ++i) ids.push_back((uint64_t{0xFFFFFFFF} - i % 7) << 24 | i);
  check_against_map(ids, 2, false);
}

TEST(the_extreme_ids) {
  check_against_map({0, ~uint64_t{0}, 1, uint64_t{1} << 63, 0xFF, 0}, 2, true);
}

TEST(what_was_never_inserted_is_not_found) {
  table t(2, false);
  test_random random(7);
  for (int i = 0; i < 20000; ++i) {
    t.find_or_insert<alone>(random.next() & ~uint64_t{1}, {}, [](float*) {});
  }
  for (int i = 0; i < 20000; ++i) CHECK(!t.find<alone>(random.next() | 1));
  t.prefetch(random.next());
}

// design.md: LR takes at most 24 bytes a feature all in, FM of 8 factors at most 96.
TEST(bytes_a_feature) {
  for (const auto& [factors, bytes_max] : {std::pair<size_t, double>{0, 24}, {8, 96}}) {
    table t(2 + 2 * factors, false);
    test_random random(8);
    for (int i = 0; i < 300000; ++i) t.find_or_insert<alone>(random.next(), {}, [](float*) {});
    const double rows = static_cast<double>(t.rows());
    CHECK(static_cast<double>(t.memory_bytes()) / rows <= bytes_max);
    CHECK(t.memory_bytes() >= t.rows() * (t.row_bytes() + 4));
  }
}

TEST(names_of_any_bytes) {
  table t(2, true);
  const std::string names[] = {"", std::string("\0\n", 2), std::string(100000, 'x'), "z"};
  uint64_t id = 0;
  for (const std::string& name : names) t.find_or_insert<alone>(id++, name, [](float*) {});
  t.find_or_insert<alone>(1, "a later name of the same id", [](float*) {});
  size_t at = 0;
  t.for_each([&](row_ref row, std::string_view name) {
    CHECK_EQ(row.id(), at);
    CHECK(name == names[at++]);
  });
  CHECK_EQ(at, 4u);
}

}  // namespace
}  // namespace fmtrain
