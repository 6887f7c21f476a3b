// Rows that leave, those that stay, and the memory between them: against a map.
#include <map>
#include <unordered_map>

#include "support.h"

namespace fmtrain {
namespace {

struct expected_row {
  float w = 0;
  bool lanes = false;
  uint32_t stamp = 0;
  std::string name;
};
using expected_rows = std::unordered_map<uint64_t, expected_row>;

void nothing(row_ref) {}

void check_rows(const table& t, const expected_rows& expected, const std::vector<uint64_t>& order) {
  CHECK_EQ(t.rows(), expected.size());
  for (const auto& [id, row] : expected) {
    const row_ref found = t.find(id);
    CHECK(found);
    if (!found) continue;
    CHECK_EQ(found.w().z, row.w);
    CHECK_EQ(found.v != nullptr, row.lanes);
    for (size_t f = 0; found.v != nullptr && f < t.lanes(); ++f) {
      CHECK_EQ(found.v[f].n, row.w + static_cast<float>(f));
    }
    if (t.has_tail()) CHECK_EQ(t.tail_of(found).stamp, row.stamp);
  }
  // Within its stripe a row keeps its place among those that stay.
  std::map<uint64_t, std::vector<uint64_t>> wanted, got;
  for (const uint64_t id : order) {
    if (expected.count(id) > 0) wanted[id >> 58].push_back(id);
  }
  t.for_each([&](row_ref row, std::string_view name) {
    got[row.id() >> 58].push_back(row.id());
    CHECK_EQ(std::string(name), t.has_names() ? expected.at(row.id()).name : std::string());
  });
  CHECK(wanted == got);
}

void check_against_map(const table_shape& shape, uint32_t lanes_after) {
  table t(shape);
  t.set_lanes_after(lanes_after);
  expected_rows expected;
  std::vector<uint64_t> order;
  test_random random(shape.lanes + lanes_after);
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 15000; ++i) {
      const uint64_t id = random.next();
      const std::string name(random.below(20), 'a' + static_cast<char>(id % 26));
      row_ref row = t.find_or_insert<alone>(id, name, nothing);
      expected_row& e = expected[id];
      e = {static_cast<float>(order.size() % 1000), false, 0, name};
      order.push_back(id);
      row.w().z = e.w;
      // Lanes come in another order than rows.
      if (lanes_after > 1 && shape.lanes > 0 && random.below(2) == 0) {
        const uint64_t other =
            order[order.size() - 1 - random.below(std::min<size_t>(order.size(), 50))];
        if (expected.count(other) > 0) {
          row = t.find(other);
          for (uint32_t s = 0; s < lanes_after; ++s) row = t.sight(row, nothing);
          expected[other].lanes = true;
          for (size_t f = 0; f < shape.lanes; ++f) {
            row.v[f] = {0, expected[other].w + static_cast<float>(f)};
          }
        }
      } else if (row.v != nullptr) {
        e.lanes = true;
        for (size_t f = 0; f < shape.lanes; ++f) row.v[f] = {0, e.w + static_cast<float>(f)};
      }
      if (t.has_tail()) {
        row = t.find(id);
        expected[id].stamp = static_cast<uint32_t>(random.below(1u << 24));
        table::stamp(row.head, expected[id].stamp);
      }
    }
    check_rows(t, expected, order);
    const uint64_t before = t.rows();
    const auto keep = [round](uint64_t id) {
      return round == 4 ? false : id % 7 < static_cast<uint64_t>(round + 1);
    };
    const uint64_t gone = t.retain([&](row_ref row, std::string_view name) {
      CHECK_EQ(std::string(name), shape.names ? expected.at(row.id()).name : std::string());
      return keep(row.id());
    });
    for (auto at = expected.begin(); at != expected.end();) {
      at = keep(at->first) ? std::next(at) : expected.erase(at);
    }
    CHECK_EQ(gone, before - expected.size());
    check_rows(t, expected, order);
    if (round % 2 == 1) t.trim();
  }
}

TEST(retain_is_a_map_s_erase) {
  check_against_map({0, false, false}, 1);
  check_against_map({0, true, true}, 1);
  check_against_map({5, true, false}, 1);
  check_against_map({3, false, false}, 3);
  check_against_map({8, true, false}, 2);
}

TEST(what_was_freed_is_used_again) {
  table t(table_shape{8, true, false});
  test_random random(11);
  const auto fill = [&](int rows) {
    for (int i = 0; i < rows; ++i) t.find_or_insert<alone>(random.next(), "name", nothing);
    t.reclaim();
  };
  const auto none = [](row_ref, std::string_view) { return false; };
  fill(100000);
  const uint64_t full = t.allocated_bytes();
  CHECK(full >= t.memory_bytes());
  for (int round = 0; round < 5; ++round) {
    CHECK_EQ(t.retain(none), 100000u);
    CHECK_EQ(t.rows(), 0u);
    fill(100000);
    CHECK(t.allocated_bytes() <= full * 102 / 100);
  }
  t.retain(none);
  CHECK(t.free_bytes() > full / 2);
  t.trim();
  CHECK_EQ(t.free_bytes(), 0u);
  CHECK(t.allocated_bytes() < full / 10);
  fill(100000);
  CHECK(t.allocated_bytes() <= full * 102 / 100);
}

TEST(a_limit_is_never_exceeded) {
  for (const table_shape& shape : {table_shape{0, false, false}, table_shape{8, true, false}}) {
    table t(shape);
    const uint64_t limit = 12 << 20;
    t.set_limit(limit);
    test_random random(5);
    uint64_t refused = 0, made = 0, uses = 0;
    while (refused < 20000 && made < 3000000) {
      const uint64_t id = random.next();
      const row_ref row = t.find_or_insert<alone>(id, "some_name", nothing);
      CHECK(t.allocated_bytes() <= limit);
      if (row) {
        ++made;
        CHECK_EQ(t.find(id).head, row.head);
      } else {
        ++refused;
        CHECK(!t.find(id));
        // A tenth makes room for a tenth.
        if (refused % 2000 == 0) {
          t.reclaim();
          t.retain([&](row_ref, std::string_view) { return ++uses % 10 != 0; });
        }
      }
    }
    CHECK_EQ(refused, 20000u);
    CHECK_EQ(t.refused(), refused);
    CHECK(t.allocated_bytes() > limit * 3 / 4);
    CHECK(t.memory_bytes() <= t.allocated_bytes());
  }
}

TEST(a_restored_row_is_as_it_was) {
  table t(table_shape{4, false, false});
  t.set_lanes_after(5);
  CHECK(t.restore(1, {}, {row_tail::has_lanes, 77}).v != nullptr);
  const row_ref without = t.restore(2, {}, {3, (9u << 24) | 5});
  CHECK(without.v == nullptr);
  CHECK(!t.restore(2, {}, {0, 0}));
  CHECK_EQ(t.tail_of(t.find(1)).link, row_tail::has_lanes);
  CHECK_EQ(t.tail_of(without).link, 3u);
  CHECK_EQ(t.tail_of(without).stamp, (9u << 24) | 5);
  table::stamp(without.head, 0xFF000006u);
  CHECK_EQ(t.tail_of(without).stamp, (9u << 24) | 6);
  CHECK(t.sight(without, nothing).v == nullptr);
  CHECK(t.sight(without, nothing).v != nullptr);
}

}  // namespace
}  // namespace fmtrain
