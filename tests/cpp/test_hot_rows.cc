// Own copies of hot rows: what is learned on them gets into the rows whole, whoever else writes.
#include "train/hot_rows.h"

#include <algorithm>
#include <thread>

#include "support.h"
#include "train/step.h"

namespace fmtrain {
namespace {

// Ids of slots of their own.
constexpr uint64_t id_in_slot(uint64_t slot, uint64_t which = 0) {
  return which << 43 | slot << 32;
}

constexpr uint64_t votes_to_adopt = 4, settles_a_sweep = 256;

// What a thread of the trainer does with its own rows.
class hot_worker {
 public:
  explicit hot_worker(model& of) : m(of), hot(of), learns(of.factors()) { in.text = ""; }

  // A copy of the row as it is now.
  void adopt(uint64_t id) {
    const row_ref home =
        m.rows().find_or_insert<shared>(id, {}, [this](row_ref made) { m.create(made); });
    for (uint64_t i = 0; i < votes_to_adopt; ++i) hot.vote(id, home);
  }

  void fill(const std::vector<uint64_t>& ids, float label = 1) {
    in.clear();
    in.reserve_features(ids.size());
    for (const uint64_t id : ids) in.add_feature(id, 1, {0, 0});
    in.add_sample(label, 1, {}, 1);
  }

  // The row that learning would go to, and whether it is a copy. Counts as a use.
  row_ref find(uint64_t id, bool* own) {
    fill({id});
    find_rows(m, in, hot, scratch);
    *own = scratch.mine.size() == 1;
    return scratch.rows[0];
  }
  bool owns(uint64_t id) {
    fill({id});
    hot.find(in, scratch.rows.reserve(1), scratch.mine, scratch.common);
    CHECK_EQ(scratch.mine.size() + scratch.common.size(), 1u);
    return scratch.mine.size() == 1;
  }

  // As the trainer does it.
  void learn_sample(const std::vector<uint64_t>& ids, float label) {
    fill(ids, label);
    find_rows(m, in, hot, scratch);
    const step_result result = learn<shared, 0>(m, learns, in, 0, bias, scratch);
    CHECK(!result.refused);
    vote_for_hot(in, hot, scratch);
  }

  // One step of gradient g at weight 0 on w and every lane.
  void step(uint64_t id, float g) {
    bool own = false;
    const row_ref row = find(id, &own);
    own ? step_on<alone>(row, g) : step_on<shared>(row, g);
    vote_for_hot(in, hot, scratch);
  }

  model& m;
  hot_rows hot;
  learner learns;
  batch in;
  step_scratch scratch;
  bias_state bias;

 private:
  template <class Locking>
  void step_on(row_ref row, float g) {
    const optimiser& rule = m.update_rule();
    const coordinate before = load<Locking>(&row.head->w);
    coordinate after = before;
    rule.w.update(after.z, after.n, g, 0);
    scatter_w<Locking>(rule.w, &row.head->w, before, after, g, 0);
    const size_t k = m.factors();
    if (k == 0) return;
    std::vector<coordinate> lanes(k), moved(k);
    const std::vector<float> all_g(k, g), v(k);
    for (size_t f = 0; f < k; ++f) {
      moved[f] = lanes[f] = load<Locking>(row.v + f);
      rule.v.update(moved[f].z, moved[f].n, g, 0);
    }
    scatter_v<Locking>(rule.v, row, lanes.data(), moved.data(), all_g.data(), v.data(), k);
  }
};

// Every w and v is 0 whatever is learned: z and n are sums.
hyper sums_only(const char* factors) {
  return hyper_of({{"factors", factors}, {"l1", "1e9"}, {"v_l1", "1e9"}, {"init_stdev", "0"}});
}

row_ref row_of(const model& m, uint64_t id) {
  const row_ref row = m.rows().find(id);
  CHECK(static_cast<bool>(row));
  return row;
}

void check_state(const model& m, uint64_t id, float z, float n) {
  const row_ref row = row_of(m, id);
  CHECK_EQ(row.w().z, z);
  CHECK_EQ(row.w().n, n);
  for (size_t f = 0; f < m.factors(); ++f) {
    CHECK_EQ(row.v[f].z, z);
    CHECK_EQ(row.v[f].n, n);
  }
}

TEST(a_copy_that_nobody_else_wrote_becomes_the_row_bit_for_bit) {
  const std::vector<uint64_t> hot_ids = {id_in_slot(1), id_in_slot(2, 7), id_in_slot(2047)};
  for (const char* factors : {"0", "3", "4", "8"}) {
    const hyper h =
        hyper_of({{"factors", factors}, {"l1", "0.01"}, {"v_l1", "1e-3"}, {"init_stdev", "0.5"}});
    model copied(h, false), direct(h, false);
    hot_worker worker(copied);
    for (const uint64_t id : hot_ids) worker.adopt(id);
    step_scratch scratch;
    bias_state bias;
    test_random random(1);
    for (int i = 0; i < 3000; ++i) {
      // With a rare one, which is learned on directly: it comes too seldom to be adopted.
      const uint64_t rare = id_in_slot(100 + i % 1500, 1);
      const std::vector<uint64_t> ids = {hot_ids[0], rare, hot_ids[1], hot_ids[2]};
      const float label = random.below(3) == 0 ? 1 : 0;
      worker.learn_sample(ids, label);
      find_rows(direct, worker.in, scratch);
      learn<alone, 0>(direct, worker.learns, worker.in, 0, bias, scratch);
      worker.hot.settle();
      for (const uint64_t id : hot_ids) CHECK(worker.owns(id));
      if (i != 1500) continue;
      worker.hot.give_up();
      CHECK(!worker.owns(hot_ids[0]));
      for (const uint64_t id : hot_ids) worker.adopt(id);
    }
    worker.hot.give_up();
    CHECK_EQ(copied.rows().rows(), direct.rows().rows());
    CHECK(row_of(copied, hot_ids[0]).w().n > 10);
    direct.rows().for_each([&](row_ref row, std::string_view) {
      const row_ref other = row_of(copied, row.id());
      for (size_t i = 0; i < values_of(direct); ++i) {
        CHECK_EQ(value_of(other, i, direct.factors()), value_of(row, i, direct.factors()));
      }
    });
  }
}

struct wide {
  double z, n;
};
wide wide_of(coordinate c) { return {static_cast<double>(c.z), static_cast<double>(c.n)}; }

// ftrl.h, merge: as its comment says it, with the plain difference of roots.
wide merged_by_the_book(const ftrl<double>& rule, wide row, wide base, wide copy) {
  const double square = copy.n - base.n;
  const double reference = (rule.weight(base.z, base.n) + rule.weight(copy.z, copy.n)) / 2;
  const auto pulled = [&](double n) {
    return (std::sqrt(n + square) - std::sqrt(n)) * rule.per_alpha * reference;
  };
  return {row.z + (copy.z - base.z + pulled(base.n)) - pulled(row.n), row.n + square};
}

void check_merged(const ftrl<double>& rule, coordinate got, coordinate first, coordinate base,
                  coordinate second) {
  const wide expected = merged_by_the_book(rule, wide_of(first), wide_of(base), wide_of(second));
  const double size =
      std::fabs(wide_of(first).z) + std::fabs(wide_of(base).z) + std::fabs(wide_of(second).z) + 1;
  CHECK_NEAR(wide_of(got).z, expected.z, 2e-6 * size);
  CHECK_NEAR(wide_of(got).n, expected.n, 3e-7 * expected.n);
}

// Both start from the same row; the first to merge finds it as it was, the second finds what the
// first left. Its n is the sum of both one's squares.
TEST(two_copies_merge_by_the_rule) {
  const uint64_t id = id_in_slot(5);
  for (const char* factors : {"0", "4", "5"}) {
    const hyper h = hyper_of({{"factors", factors},
                              {"alpha", "0.2"},
                              {"l1", "0.01"},
                              {"v_l1", "1e-3"},
                              {"v_start", "kept"}});
    const ftrl<double> rule_w(h.alpha, h.beta, h.l1, h.l2);
    const ftrl<double> rule_v(h.v_alpha, h.v_beta, h.v_l1, h.v_l2);
    for (int round = 0; round < 20; ++round) {
      model m(h, false);
      hot_worker first(m), second(m);
      for (int i = 0; i < round; ++i) first.learn_sample({id, id_in_slot(9)}, i % 2 == 0 ? 1 : 0);
      first.hot.give_up();
      first.adopt(id);
      second.adopt(id);
      const row_ref home = row_of(m, id);
      const coordinate base = home.w();
      const std::vector<coordinate> base_v(home.v, home.v + m.factors());
      test_random random(static_cast<uint64_t>(round));
      for (int i = 0; i < 30; ++i) {
        first.learn_sample({id, id_in_slot(9)}, random.below(2) == 0 ? 1 : 0);
        second.learn_sample({id, id_in_slot(8)}, random.below(3) == 0 ? 1 : 0);
      }
      CHECK_EQ(bits_of(home.w()), bits_of(base));  // copies are their workers' own
      bool own = false;
      const row_ref one = first.find(id, &own);
      CHECK(own);
      const coordinate of_first = one.w();
      const std::vector<coordinate> of_first_v(one.v, one.v + m.factors());
      const row_ref two = second.find(id, &own);
      CHECK(own);
      const coordinate of_second = two.w();
      const std::vector<coordinate> of_second_v(two.v, two.v + m.factors());

      first.hot.give_up();
      CHECK_EQ(bits_of(home.w()), bits_of(of_first));
      for (size_t f = 0; f < m.factors(); ++f) {
        CHECK_EQ(bits_of(home.v[f]), bits_of(of_first_v[f]));
      }
      second.hot.give_up();
      check_merged(rule_w, home.w(), of_first, base, of_second);
      for (size_t f = 0; f < m.factors(); ++f) {
        check_merged(rule_v, home.v[f], of_first_v[f], base_v[f], of_second_v[f]);
      }
    }
  }
}

// After a merge the copy goes on from the joint row: nothing is added twice.
TEST(what_was_merged_is_not_merged_again) {
  const uint64_t id = id_in_slot(77);
  for (const char* factors : {"0", "3"}) {
    model m(sums_only(factors), false);
    hot_worker first(m), second(m);
    first.adopt(id);
    second.adopt(id);
    for (int i = 0; i < 5000; ++i) {
      first.step(id, 0.5f);
      if (i % 3 == 0) second.step(id, -0.25f);
      first.hot.settle();
      second.hot.settle();
    }
    for (int round = 0; round < 2; ++round) {
      first.hot.give_up();
      second.hot.give_up();
      check_state(m, id, 0.5f * 5000 - 0.25f * 1667, 0.25f * 5000 + 0.0625f * 1667);
    }
  }
}

// A sum whose terms are multiples of 1/4 is exact in a float: one lost or doubled step of any of
// the threads would show. Rows are adopted, merged and given up as it happens.
TEST(threads_lose_nothing) {
  constexpr size_t workers = 4;
  constexpr int steps = 20000;
  for (const char* factors : {"0", "4"}) {
    model m(sums_only(factors), false);
    const auto hot_id = [](int i) { return id_in_slot(static_cast<uint64_t>(i % 3)); };
    const auto cold_id = [](int i) { return id_in_slot(static_cast<uint64_t>(i % 50), 3); };
    const auto run = [&](size_t which) {
      hot_worker worker(m);
      for (int i = 0; i < steps; ++i) {
        worker.step(hot_id(i), 0.5f);
        worker.step(cold_id(i), -0.5f);
        worker.hot.settle();
        if (i % 7000 == 6000 + static_cast<int>(which)) worker.hot.give_up();
      }
      bool any = false;
      for (int i = 0; i < 3; ++i) any |= worker.owns(hot_id(i));
      CHECK(any);
      worker.hot.give_up();
    };
    std::vector<std::thread> threads;
    for (size_t which = 0; which < workers; ++which) threads.emplace_back(run, which);
    for (std::thread& thread : threads) thread.join();
    for (int id = 0; id < 3; ++id) {
      float count = 0;
      for (int i = 0; i < steps; ++i) count += static_cast<float>(i % 3 == id) * workers;
      check_state(m, hot_id(id), 0.5f * count, 0.25f * count);
    }
    const float count = workers * steps / 50;
    for (int id = 0; id < 50; ++id) check_state(m, cold_id(id), -0.5f * count, 0.25f * count);
  }
}

TEST(giving_up_leaves_nothing_behind) {
  model m(sums_only("2"), false);
  hot_worker worker(m);
  std::vector<uint64_t> ids;
  for (uint64_t slot = 0; slot < 2048; ++slot) ids.push_back(id_in_slot(slot, slot % 5));
  for (const uint64_t id : ids) {
    worker.adopt(id);
    worker.step(id, 0.5f);
    CHECK(worker.owns(id));
    check_state(m, id, 0, 0);
  }
  worker.hot.give_up();
  for (const uint64_t id : ids) {
    CHECK(!worker.owns(id));
    check_state(m, id, 0.5f, 0.25f);
    worker.step(id, 0.5f);  // on the row itself
  }
  // What is done later to a row that was given up stays.
  worker.hot.give_up();
  for (uint64_t i = 0; i < 2 * settles_a_sweep; ++i) worker.hot.settle();
  for (const uint64_t id : ids) check_state(m, id, 1, 0.5f);
}

TEST(no_id_has_a_copy_before_it_was_adopted) {
  model m(sums_only("0"), false);
  hot_worker worker(m);
  for (uint64_t slot = 0; slot < 2048; ++slot) CHECK(!worker.owns(id_in_slot(slot)));
  CHECK(!worker.owns(~uint64_t{0}));
  for (uint64_t slot = 0; slot < 2048; slot += 3) worker.adopt(id_in_slot(slot));
  for (uint64_t slot = 0; slot < 2048; ++slot) {
    CHECK_EQ(worker.owns(id_in_slot(slot)), slot % 3 == 0);
    CHECK(!worker.owns(id_in_slot(slot, 1)));  // another id of the same slot
  }
}

TEST(idle_copies_are_given_up_and_used_ones_stay) {
  const uint64_t used = id_in_slot(10), idle = id_in_slot(11);
  model m(sums_only("3"), false);
  hot_worker worker(m);
  worker.adopt(used);
  worker.adopt(idle);
  worker.step(idle, 0.5f);
  for (uint64_t i = 0; i < 3 * settles_a_sweep; ++i) {
    worker.step(used, 0.25f);
    worker.hot.settle();
  }
  CHECK(worker.owns(used));
  CHECK(!worker.owns(idle));
  check_state(m, idle, 0.5f, 0.25f);
  // Its slot is free for another.
  worker.adopt(id_in_slot(11, 1));
  CHECK(worker.owns(id_in_slot(11, 1)));
  worker.hot.give_up();
  check_state(m, used, 0.25f * 3 * settles_a_sweep, 0.0625f * 3 * settles_a_sweep);
}

// Others must not wait for what a copy learned: it is merged after a few uses at first, after some
// hundreds at last.
TEST(a_copy_is_merged_while_it_is_used) {
  const uint64_t id = id_in_slot(12);
  model m(sums_only("0"), false);
  hot_worker worker(m);
  worker.adopt(id);
  const row_ref home = row_of(m, id);
  std::vector<float> merged = {0};  // what the row held after each merge
  float behind_max = 0;
  for (int i = 1; i <= 20000; ++i) {
    worker.step(id, 1);
    if (i % 8 == 0) worker.hot.settle();
    if (home.w().n != merged.back()) merged.push_back(home.w().n);
    behind_max = std::max(behind_max, static_cast<float>(i) - merged.back());
  }
  CHECK(merged[1] >= 8 && merged[1] <= 16);
  CHECK(behind_max >= 255 && behind_max <= 272);
  // Nor more often than that: each takes the row from the others. 8 uses at a time up to 256, a
  // thirty-second of all up to 8192, then 256; sweeps merge all there is.
  CHECK(merged.size() <= 32 + 112 + 12000 / 256 + 20000 / (8 * settles_a_sweep) + 8);
}

TEST(the_majority_of_a_slots_visits_is_adopted) {
  const uint64_t often = id_in_slot(20, 1), seldom = id_in_slot(20, 2);
  model m(sums_only("1"), false);
  const auto home = [&m](uint64_t id) {
    return m.rows().find_or_insert<shared>(id, {}, [](row_ref) {});
  };
  hot_worker worker(m);
  for (int i = 0; i < 1000; ++i) {  // half and half: nobody has earned it
    worker.hot.vote(often, home(often));
    worker.hot.vote(seldom, home(seldom));
  }
  CHECK(!worker.owns(often) && !worker.owns(seldom));
  for (int i = 0; i < 10; ++i) {
    worker.hot.vote(seldom, home(seldom));
    worker.hot.vote(often, home(often));
    worker.hot.vote(often, home(often));
  }
  CHECK(worker.owns(often) && !worker.owns(seldom));
  for (int i = 0; i < 100; ++i) worker.hot.vote(seldom, home(seldom));
  CHECK(worker.owns(often) && !worker.owns(seldom));  // no slot is taken from its owner
}

}  // namespace
}  // namespace fmtrain
