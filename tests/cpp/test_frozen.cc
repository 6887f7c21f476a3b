// A frozen model scores as the model that it was made of.
#include "serve/frozen.h"

#include "serving_support.h"

namespace fmtrain {
namespace {

// Bit by bit in float32, on samples of all sizes.
void check_parity(const model& m, uint64_t seed) {
  const std::unique_ptr<frozen> cold = thawed(frozen_bytes(m));
  if (cold == nullptr) return;
  test_random random(seed);
  const std::vector<uint64_t> ids = ids_of(m);
  const sample_score trained = score_of(m), served = score_of(*cold);
  batch in;
  for (size_t i = 0; i < 300; ++i) {
    draw_sample(ids, i % 100 == 99 ? 1500 : random.below(60), random, in);
    const float expected = trained(in), is = served(in);
    if (!same_bits(expected, is)) CHECK_EQ(is, expected);
  }
}

using values = std::initializer_list<std::pair<const char*, const char*>>;

void check_parity_with(values given) {
  const hyper h = hyper_of(given);
  for (const size_t rows : {0, 1, 7, 8, 9, 1000}) {
    model m(h, false);
    test_random random(rows);
    fill_randomly(m, rows, random);
    check_parity(m, rows + 1);
  }
}

TEST(scores_of_every_number_of_factors) {
  for (const char* const k : {"0", "1", "4", "8", "16", "20"}) check_parity_with({{"factors", k}});
}

TEST(scores_of_every_kind_of_model) {
  check_parity_with({{"factors", "8"}, {"linear", "0"}});
  check_parity_with({{"factors", "8"}, {"bias", "0"}});
  check_parity_with({{"factors", "3"}, {"v_start", "kept"}});
  check_parity_with({{"factors", "3"}, {"v_start", "lazy"}, {"v_min_count", "3"}});
  check_parity_with({{"factors", "8"}, {"force_v_sparse", "1"}, {"l1", "1"}});
  check_parity_with({{"factors", "8"}, {"l1", "1"}, {"v_l1", "1"}});
}

// What another program stored beside the state counts, as it does in predicting.
TEST(scores_of_stored_weights) {
  model m(hyper_of({{"factors", "4"}}), false);
  test_random random(5);
  fill_randomly(m, 500, random);
  m.stored.bias = 0.25;
  m.stored.rows = std::make_unique<table>(m.factors(), false);
  for (const uint64_t id : ids_of(m)) {
    const row_ref row = m.stored.rows->find_or_insert<alone>(id, {}, [](row_ref) {});
    row.w().z = static_cast<float>(random.between(-1, 1));
    for (size_t f = 0; f < m.factors(); ++f) row.v[f].z = static_cast<float>(random.uniform());
  }
  check_parity(m, 6);
}

TEST(a_row_is_found_by_its_id_alone) {
  for (const size_t rows : {1, 2, 31, 32, 33, 5000}) {
    model m(hyper_of({{"factors", "0"}, {"l1", "0"}}), false);
    test_random random(rows);
    std::vector<uint64_t> ids;
    for (size_t i = 0; i < rows; ++i) {
      ids.push_back(i == 0 ? 0 : i == 1 ? ~uint64_t{0} : random.next());
      m.rows().find_or_insert<alone>(ids.back(), {}, [](row_ref) {}).w() = {1, 1};
    }
    const std::unique_ptr<frozen> cold = thawed(frozen_bytes(m));
    std::sort(ids.begin(), ids.end());
    for (size_t i = 0; i < rows; ++i) {
      CHECK_EQ(cold->find(ids[i]), static_cast<uint32_t>(i));
      const uint64_t near = ids[i] + 1;
      if (!std::binary_search(ids.begin(), ids.end(), near)) {
        CHECK_EQ(cold->find(near), uint32_t{frozen::none});
      }
    }
  }
}

// Hashes never do that; a host's own numbers may.
TEST(ids_that_all_fall_into_one_bucket) {
  model m(hyper_of({{"factors", "4"}}), false);
  test_random random(9);
  for (uint64_t id = 1; id <= 1000; ++id) {
    const row_ref row = m.rows().find_or_insert<alone>(id * 3, {}, [](row_ref) {});
    row.w() = {static_cast<float>(random.between(-3, 3)), 1};
    for (size_t f = 0; f < 4; ++f) row.v[f] = {static_cast<float>(random.uniform()), 1};
  }
  const std::unique_ptr<frozen> cold = thawed(frozen_bytes(m));
  for (uint64_t id = 1; id <= 1000; ++id) {
    CHECK_EQ(cold->find(id * 3), static_cast<uint32_t>(id - 1));
    CHECK_EQ(cold->find(id * 3 + 1), uint32_t{frozen::none});
  }
  check_parity(m, 10);
}

TEST(what_is_not_there_is_counted_and_has_zeros) {
  for (const precision p : {precision::float32, precision::float16, precision::int8}) {
    model m(hyper_of({{"factors", "3"}}), false);
    test_random random(11);
    fill_randomly(m, 100, random);
    const std::unique_ptr<frozen> cold = thawed(frozen_bytes(m, in_precision(p)));
    frozen::scratch use(cold->factors());
    std::vector<uint64_t> ids(lookup_max);
    const std::vector<uint64_t> there = ids_of(m);
    size_t absent = 0;
    for (uint64_t& id : ids) {
      id = random.below(2) == 0 ? random.next() : there[random.below(there.size())];
      absent += cold->find(id) == frozen::none ? 1 : 0;
    }
    const float* rows[lookup_max];
    bool known[lookup_max];
    CHECK(absent > 0 && absent < lookup_max);
    CHECK_EQ(cold->look_up(ids.data(), lookup_max, use, rows, known), absent);
    for (size_t i = 0; i < lookup_max; ++i) {
      CHECK_EQ(known[i], cold->find(ids[i]) != frozen::none);
      const bool zero = std::all_of(rows[i], rows[i] + 4, [](float w) { return w == 0; });
      CHECK(known[i] || zero);
    }
    CHECK_EQ(cold->look_up(nullptr, 0, use, rows), size_t{0});
  }
}

}  // namespace
}  // namespace fmtrain
