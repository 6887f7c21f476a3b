// What is written: which rows, in which precision, described how; and what is refused.
#include "serve/freeze.h"

#include <cmath>

#include "encode_support.h"
#include "serve/row_pack.h"
#include "serving_support.h"

namespace fmtrain {
namespace {

std::unique_ptr<const model> random_model(const char* factors, size_t rows, uint64_t seed) {
  auto m = std::make_unique<model>(hyper_of({{"factors", factors}}), false);
  test_random random(seed);
  fill_randomly(*m, rows, random);
  return m;
}

// The row of `id` as a file has it: w, then v.
std::vector<float> row_of(const frozen& m, uint64_t id) {
  frozen::scratch use(m.factors());
  const float* row = nullptr;
  CHECK_EQ(m.look_up(&id, 1, use, &row), size_t{0});
  return {row, row + m.factors() + 1};
}

TEST(zero_rows_are_left_out_and_counted) {
  model m(hyper_of({{"factors", "2"}, {"l1", "1"}, {"v_l1", "1"}, {"v_start", "kept"}}), false);
  for (uint64_t id = 1; id <= 100; ++id) {
    const row_ref row = m.rows().find_or_insert<alone>(id << 40, {}, [](row_ref) {});
    row.w() = {id % 2 == 0 ? 2.0f : 0.5f, 1};    // 0 where it is odd
    row.v[1] = {id % 4 == 1 ? -2.0f : 0.0f, 1};  // not 0 for half of those
  }
  freeze_counts counts;
  const std::string bytes = frozen_bytes(m, {}, &counts);
  CHECK_EQ(counts.features, uint64_t{75});
  CHECK_EQ(counts.pruned, uint64_t{25});
  CHECK_EQ(counts.bytes, uint64_t{bytes.size()});
  // 8 bytes of id and 12 of weights a row, and 4 of the index for every fourth.
  CHECK_EQ(counts.bytes_pruned, uint64_t{25 * 20 + 4 * (25 - 19)});
  const std::unique_ptr<frozen> cold = thawed(bytes);
  CHECK(cold->find(uint64_t{3} << 40) == frozen::none);
  CHECK(cold->find(uint64_t{5} << 40) != frozen::none);
  CHECK_EQ(counts.golden_rows, uint64_t{16});
  CHECK_EQ(cold->golden().size(), size_t{16});
}

TEST(what_the_file_says_of_itself) {
  const auto held = random_model("3", 50, 1);
  const model& m = *held;
  freeze_options options;
  options.name = "feed = 1";
  options.version = "2026-11-22";
  options.trained_until = 1795000000;
  options.link = link::exp;
  options.down_sampling_rate = 0.1;
  options.curve = {{-1, 0.1}, {1, 0.1}, {2, 0.9}};
  const std::unique_ptr<frozen> cold = thawed(frozen_bytes(m, options));
  const serving_meta& is = cold->meta();
  CHECK_EQ(is.name, options.name);
  CHECK_EQ(is.version, options.version);
  CHECK_EQ(is.trained_until, options.trained_until);
  CHECK(is.link == link::exp);
  CHECK_EQ(is.down_sampling_rate, 0.1);
  CHECK_EQ(is.bias, m.bias_weight());
  CHECK_EQ(is.golden_shift, 0.0);
  const double mean = m.seen.label_sum / m.seen.weight_sum;
  CHECK_NEAR(is.prior, std::log(mean / (1 - mean)), 1e-12);
  CHECK_EQ(cold->calibrated().curve().size(), size_t{3});
  CHECK(cold->plan() == nullptr);
}

TEST(the_prior_is_finite_whatever_was_seen) {
  model m(hyper_of({}), false);
  m.bias = {-30, 1};
  CHECK_EQ(thawed(frozen_bytes(m))->meta().prior, m.bias_weight());
  CHECK(m.bias_weight() != 0);
  m.seen = {5, 5, 0};
  CHECK_NEAR(thawed(frozen_bytes(m))->meta().prior, std::log(1e-6), 1e-5);
  m.seen = {5, 5, 5};
  CHECK_NEAR(thawed(frozen_bytes(m))->meta().prior, -std::log(1e-6), 1e-5);
}

// Within half of the last place, and the same from the file as from a row packed alone.
TEST(weights_in_each_precision) {
  const auto held = random_model("8", 300, 2);
  const model& m = *held;
  const std::unique_ptr<frozen> wide = thawed(frozen_bytes(m));
  for (const precision p : {precision::float16, precision::int8}) {
    freeze_counts counts;
    const std::unique_ptr<frozen> narrow = thawed(frozen_bytes(m, in_precision(p), &counts));
    CHECK(counts.golden_shift > 0 && counts.golden_shift < 1);
    CHECK_EQ(narrow->meta().golden_shift, counts.golden_shift);
    float largest = 0;
    for (const uint64_t id : ids_of(m)) {
      if (wide->find(id) == frozen::none) continue;
      for (const float w : row_of(*wide, id)) largest = std::max(largest, std::fabs(w));
    }
    for (const uint64_t id : ids_of(m)) {
      if (wide->find(id) == frozen::none) continue;
      const std::vector<float> exact = row_of(*wide, id), is = row_of(*narrow, id);
      for (size_t i = 0; i < exact.size(); ++i) {
        const double by = p == precision::float16
                              ? std::fabs(static_cast<double>(exact[i])) / 2048 + 0x1p-25
                              : static_cast<double>(largest) / 254 * 1.001;
        CHECK_NEAR(static_cast<double>(is[i]), static_cast<double>(exact[i]), by);
      }
    }
  }
}

TEST(every_half_reads_back) {
  for (uint32_t half = 0; half < 0x10000; ++half) {
    if ((half & 0x7c00) == 0x7c00) continue;  // infinities and NaNs
    const int exponent = static_cast<int>(half >> 10 & 31),
              fraction = static_cast<int>(half & 1023);
    const double magnitude =
        exponent == 0 ? fraction * 0x1p-24 : std::ldexp(1024 + fraction, exponent - 25);
    const float is = widen_half(static_cast<uint16_t>(half));
    CHECK_EQ(static_cast<double>(is), (half & 0x8000) != 0 ? -magnitude : magnitude);
    CHECK_EQ(static_cast<uint32_t>(narrow_to_half(is)), half);
  }
}

// Against the definition: the nearest half, the even one where two are as near.
TEST(halves_round_to_nearest_even) {
  for (uint32_t half = 0; half < 0x7bff; ++half) {
    const float low = widen_half(static_cast<uint16_t>(half));
    const float high = widen_half(static_cast<uint16_t>(half + 1));
    const float middle = (low + high) / 2;  // exact: floats have 13 digits more
    CHECK_EQ(static_cast<uint32_t>(narrow_to_half(middle)), half + (half & 1));
    CHECK_EQ(static_cast<uint32_t>(narrow_to_half(std::nextafter(middle, 0.0f))), half);
    CHECK_EQ(static_cast<uint32_t>(narrow_to_half(-std::nextafter(middle, 1e9f))),
             (half + 1) | 0x8000);
  }
  CHECK_EQ(widen_half(0x7c00), HUGE_VALF);
  CHECK_EQ(widen_half(0xfc00), -HUGE_VALF);
  CHECK(std::isnan(widen_half(0x7c01)) && std::isnan(widen_half(0xffff)));
  CHECK_EQ(static_cast<uint32_t>(narrow_to_half(65519.99f)), 0x7bffu);
  CHECK_EQ(static_cast<uint32_t>(narrow_to_half(65520.0f)), 0x7c00u);
  CHECK_EQ(static_cast<uint32_t>(narrow_to_half(1e30f)), 0x7c00u);
  CHECK_EQ(static_cast<uint32_t>(narrow_to_half(-1e-30f)), 0x8000u);
}

TEST(int8_is_symmetric_a_scale_for_w_and_one_for_v) {
  const row_shape shape(precision::int8, 2);
  const float rows[] = {-12.7f, 1.27f, -0.635f, 6.35f, 0, 0.0063f};
  std::vector<char> packed(shape.block_bytes(), '\x7f');
  shape.pack(rows, 2, packed.data());
  const auto at = [&](size_t row, size_t i) {
    return int{static_cast<int8_t>(shape.row_at(packed.data(), row)[i])};
  };
  CHECK_EQ(at(0, 0), -127);
  CHECK_EQ(at(0, 1), 127);
  CHECK_EQ(at(0, 2), -64);  // 63.5, to even
  CHECK_EQ(at(1, 0), 64);
  CHECK_EQ(at(1, 1), 0);
  CHECK_EQ(at(1, 2), 1);
  for (size_t row = 2; row < 16; ++row) {
    for (size_t i = 0; i < 3; ++i) CHECK_EQ(at(row, i), 0);
  }
  CHECK_EQ(shape.bytes(17), 2 * shape.block_bytes());
}

// The smallest numbers have scales without digits, or none.
TEST(int8_of_numbers_at_the_end_of_the_floats) {
  const row_shape shape(precision::int8, 0);
  for (const float x : {1e-45f, 1e-43f, 1e-38f, 3e38f}) {
    std::vector<char> packed(shape.block_bytes());
    shape.pack(&x, 1, packed.data());
    float back = -1;
    shape.unpack(packed.data(), 0, &back);
    CHECK(back >= 0);
    if (x > 1e-30f) CHECK_NEAR(static_cast<double>(back) / static_cast<double>(x), 1, 0.01);
  }
}

void check_not_frozen(const model& m, const freeze_options& options, const std::string& message) {
  std::string bytes;
  const status done = freeze_into(m, options, &bytes);
  CHECK_EQ(done.message(), message);
  CHECK(done.code() == errc::invalid);
  CHECK(bytes.empty());
}

TEST(what_a_half_does_not_hold_is_refused) {
  model m(hyper_of({{"factors", "0"}, {"l1", "0"}, {"l2", "0"}, {"beta", "1e-9"}, {"alpha", "1"}}),
          false);
  m.rows().find_or_insert<alone>(0xabc, {}, [](row_ref) {}).w() = {65520, 1};
  check_not_frozen(m, in_precision(precision::float16),
                   "the row of id 0000000000000abc has a weight beyond what float16 holds: take "
                   "float32");
  m.rows().find(0xabc).w().z = 65519;
  CHECK(thawed(frozen_bytes(m, in_precision(precision::float16))) != nullptr);
  m.rows().find(0xabc).w() = {3e38f, 0};
  check_not_frozen(m, {}, "the row of id 0000000000000abc has a weight that is not finite");
}

TEST(a_score_that_moves_too_far_is_refused) {
  const auto held = random_model("4", 400, 4);
  const model& m = *held;
  freeze_counts counts;
  freeze_options options = in_precision(precision::int8);
  frozen_bytes(m, options, &counts);
  options.score_shift_max = counts.golden_shift;
  CHECK(thawed(frozen_bytes(m, options)) != nullptr);
  options.score_shift_max = counts.golden_shift / 2;
  std::string bytes;
  const status done = freeze_into(m, options, &bytes);
  CHECK(done.code() == errc::invalid);
  CHECK(done.message().find("the score of a golden row moves by ") == 0);
  CHECK(done.message().find(" with int8, more than ") != std::string::npos);
  CHECK(bytes.empty());
}

TEST(options_that_make_no_sense_are_refused) {
  const auto held = random_model("0", 5, 5);
  const model& m = *held;
  freeze_options options;
  options.name = "two\nlines";
  check_not_frozen(m, options, "a model's name and version are one line each");
  options = {};
  options.down_sampling_rate = 0;
  check_not_frozen(m, options,
                   "a down-sampling rate is the part of the negatives that was kept: above 0 and "
                   "at most 1, not 0.000000");
  options = {};
  options.curve = {{0, 0.5}, {1, 0.25}};
  check_not_frozen(m, options,
                   "point 2 of the calibration curve has a probability below the one before it");
}

// The schema travels, and the golden rows are encoded again wherever the file is opened.
TEST(a_model_with_a_schema) {
  model m(hyper_of({{"factors", "2"}, {"hash_seed", "7"}}), false);
  m.encoded.plan = encoder_of("{'columns': {'a': {}, 'b': {'type': 'number'}}}", 7);
  m.encoded.rows = {json_of("{'a': 'x', 'b': 2}"), json_of("{'a': 'y'}")};
  const encoded_row row = encode_json(*m.encoded.plan, m.encoded.rows[0]);
  for (size_t i = 0; i < row.samples.features; ++i) {
    m.rows().find_or_insert<alone>(row.samples.id[i], {}, [](row_ref) {}).w() = {-3, 1};
  }
  for (const precision p : {precision::float32, precision::int8}) {
    freeze_options options = in_precision(p);
    options.samples = {{"{}", {1}, {1}, 0}};
    const std::unique_ptr<frozen> cold = thawed(frozen_bytes(m, options));
    CHECK(cold->plan() != nullptr);
    CHECK_EQ(cold->plan()->text(), m.encoded.plan->text());
    CHECK_EQ(cold->golden().size(), size_t{3});
    CHECK_EQ(cold->golden()[0].row, m.encoded.rows[0]);
    CHECK(cold->golden()[0].score > 0);
    CHECK_EQ(cold->golden()[2].row, "");
    CHECK(same_bits(score_of(*cold)(row.samples), cold->golden()[0].score));
  }
}

// Given samples are scored by what was written, whatever their score said.
TEST(samples_become_golden_rows) {
  const auto held = random_model("4", 400, 6);
  const model& m = *held;
  const std::vector<uint64_t> ids = ids_of(m);
  freeze_options options = in_precision(precision::float16);
  options.samples = {{"", {ids[0], 77}, {1, 2}, 99}, {"", {}, {}, 98}};
  freeze_counts counts;
  const std::unique_ptr<frozen> cold = thawed(frozen_bytes(m, options, &counts));
  CHECK_EQ(cold->golden().size(), size_t{2});
  CHECK_EQ(counts.golden_rows, uint64_t{2});
  CHECK(cold->golden()[0].id == options.samples[0].id);
  CHECK_EQ(cold->golden()[1].score, static_cast<float>(m.bias_weight()));
}

TEST(the_same_model_gives_the_same_bytes) {
  CHECK(frozen_bytes(*random_model("4", 400, 7)) == frozen_bytes(*random_model("4", 400, 7)));
}

}  // namespace
}  // namespace fmtrain
