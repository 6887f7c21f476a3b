// The chain of transforms: what may stand in it, and the arithmetic of its steps.
#include "encode/transform.h"

#include <algorithm>
#include <cfloat>
#include <limits>

#include "support.h"

namespace fmtrain {
namespace {

TEST(hours_and_days_of_anything) {
  for (const double seconds : {-1e300, -0x1p63, -0x1p53, -1.0, -0.5, 0.0, 0x1p53, 0x1p63, 1e300}) {
    for (const int zone : {-86340, 0, 86340}) {
      CHECK(hour_of(seconds, zone) < 24);
      CHECK(weekday_of(seconds, zone) < 7);
    }
  }
  CHECK_EQ(hour_of(-0.5, 0), 23u);
  CHECK_EQ(weekday_of(-0.5, 0), 2u);  // Wednesday
  CHECK_EQ(weekday_of(0, 0), 3u);
}

TEST(a_bin_begins_at_its_cut) {
  test_random random(4);
  for (size_t count = 0; count < 70; ++count) {
    std::vector<double> cuts;
    for (size_t i = 0; i < count; ++i) cuts.push_back(std::floor(random.between(-50, 50)) / 2);
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    std::vector<double> values = {-DBL_MAX, -0.0, 0.0, DBL_MAX, DBL_MIN, -DBL_MIN};
    for (const double cut : cuts) {
      values.insert(values.end(), {cut, std::nextafter(cut, -1e9), std::nextafter(cut, 1e9)});
    }
    for (const double v : values) {
      const auto want = std::count_if(cuts.begin(), cuts.end(), [v](double c) { return c <= v; });
      CHECK_EQ(bin_of(cuts.data(), cuts.size(), v), static_cast<uint32_t>(want));
    }
  }
  const double infinity = std::numeric_limits<double>::infinity();
  const double cuts[] = {-1, 1};
  CHECK_EQ(bin_of(cuts, 2, -infinity), 0u);
  CHECK_EQ(bin_of(cuts, 2, infinity), 2u);
}

TEST(steps) {
  CHECK_EQ(symmetric_log(0), 0.0);
  CHECK_EQ(symmetric_log(-1e6), -symmetric_log(1e6));
  CHECK_EQ(symmetric_log(1e6), std::log1p(1e6));
  const numeric_step clip{step_kind::clip, -1, 2};
  CHECK_EQ(apply_step(clip, -5), -1.0);
  CHECK_EQ(apply_step(clip, 5), 2.0);
  CHECK_EQ(apply_step(clip, 1.5), 1.5);
  CHECK_EQ(whole(1e300), int64_t{1} << 53);
  CHECK_EQ(whole(-1e300), -(int64_t{1} << 53));
  CHECK_EQ(whole(-3), int64_t{-3});
}

// What is wrong, with the number of the word; else "" and the plan.
std::string wrong_with(const std::vector<std::string_view>& words, column_type type,
                       feature_plan* plan = nullptr) {
  feature_plan own;
  size_t at = 99;
  const std::string wrong = parse_transforms(words, type, plan != nullptr ? plan : &own, &at);
  return wrong.empty() ? "" : std::to_string(at) + ": " + wrong;
}

struct wrong_chain {
  std::vector<std::string_view> words;
  column_type type;
  const char* wrong;
};
constexpr auto number = column_type::number, category = column_type::category;

TEST(what_a_chain_must_be) {
  const wrong_chain cases[] = {
      {{""}, number, "0: a transform without a name"},
      {{"log", " \t"}, number, "1: a transform without a name"},
      {{"sqrt"},
       number,
       "0: unknown transform 'sqrt'; there are: log, clip, hash, boundaries, equal-frequency, "
       "equal-width, hour, log-square, min-max, round, value, weekday, z-score"},
      {{"Log"},
       number,
       "0: unknown transform 'Log'; there are: log, clip, hash, boundaries, equal-frequency, "
       "equal-width, hour, log-square, min-max, round, value, weekday, z-score"},
      {{"round", "log"}, number, "1: 'log' stands behind a step that ends the chain"},
      {{"round", "round"}, number, "1: 'round' stands behind a step that ends the chain"},
      {{"round"},
       category,
       "0: 'round' works on numbers, and the column is none: its type allows hash"},
      {{"log"},
       column_type::text,
       "0: 'log' works on numbers, and the column is none: its type allows hash"},
      {{"hash 10", "log"},
       column_type::list,
       "1: 'log' works on numbers, and the column is none: its type allows hash"},
      {{"hash 10"}, number, "0: 'hash' works on names, and the column is a number"},
      {{"hash 10"}, column_type::timestamp, "0: 'hash' works on names, and the column is a number"},
      {{"hash 10", "hash 10"}, category, "1: 'hash' comes first, and once"},
      {{"log", "hash 10"}, column_type::weighted_list, "1: 'hash' comes first, and once"},
      {{"round", "hash 10"}, column_type::weighted_list, "1: 'hash' comes first, and once"},
      {{"hash"}, category, "0: give the number of buckets, 1 to 2147483648: hash 1000"},
      {{"hash 0"}, category, "0: give the number of buckets, 1 to 2147483648: hash 1000"},
      {{"hash 2147483649"}, category, "0: give the number of buckets, 1 to 2147483648: hash 1000"},
      {{"hash 99999999999999999999999"},
       category,
       "0: give the number of buckets, 1 to 2147483648: hash 1000"},
      {{"hash -1"}, category, "0: give the number of buckets, 1 to 2147483648: hash 1000"},
      {{"hash 1e3"}, category, "0: give the number of buckets, 1 to 2147483648: hash 1000"},
      {{"hash 1 2"}, category, "0: give the number of buckets, 1 to 2147483648: hash 1000"},
  };
  for (const auto& c : cases) CHECK_EQ(wrong_with(c.words, c.type), std::string(c.wrong));
}

TEST(what_numbers_a_step_takes) {
  const wrong_chain cases[] = {
      {{"log 2"}, number, "0: 'log' takes no numbers"},
      {{"clip"}, number, "0: give the lowest and the highest value: clip 0 100"},
      {{"clip 1"}, number, "0: give the lowest and the highest value: clip 0 100"},
      {{"clip 1 2 3"}, number, "0: give the lowest and the highest value: clip 0 100"},
      {{"clip 2 1"}, number, "0: give the lowest and the highest value: clip 0 100"},
      {{"clip 0 inf"}, number, "0: give the lowest and the highest value: clip 0 100"},
      {{"clip nan 1"}, number, "0: give the lowest and the highest value: clip 0 100"},
      {{"clip 0 1e999"}, number, "0: give the lowest and the highest value: clip 0 100"},
      {{"equal-width"}, number, "0: give the number of bins, 2 to 65536: equal-width 20"},
      {{"equal-frequency 1"}, number, "0: give the number of bins, 2 to 65536: equal-frequency 20"},
      {{"equal-width 65537"}, number, "0: give the number of bins, 2 to 65536: equal-width 20"},
      {{"equal-width 2.5"}, number, "0: give the number of bins, 2 to 65536: equal-width 20"},
      {{"round 2"}, number, "0: 'round' takes no numbers"},
      {{"z-score 1"}, number, "0: 'z-score' takes no numbers"},
      {{"hour 1"}, column_type::timestamp, "0: 'hour' takes no numbers"},
      {{"hour"}, number, "0: 'hour' comes first, and the column's type must be timestamp"},
      {{"weekday"},
       column_type::weighted_list,
       "0: 'weekday' comes first, and the column's type must be timestamp"},
      {{"log", "hour"},
       column_type::timestamp,
       "1: 'hour' comes first, and the column's type must be timestamp"},
      {{"boundaries"},
       number,
       "0: give the edges between the bins, 1 to 65535 of them: boundaries 1 10 100"},
      {{"boundaries 1 x"}, number, "0: the edge 'x' is no finite number"},
      {{"boundaries nan"}, number, "0: the edge 'nan' is no finite number"},
      {{"boundaries 1 inf"}, number, "0: the edge 'inf' is no finite number"},
      {{"boundaries 1 2 2.0"}, number, "0: the edge '2.0' does not lie above the one before it"},
      {{"boundaries 0 -0"}, number, "0: the edge '-0' does not lie above the one before it"},
      {{"boundaries 1 0"}, number, "0: the edge '0' does not lie above the one before it"},
  };
  for (const auto& c : cases) CHECK_EQ(wrong_with(c.words, c.type), std::string(c.wrong));
}

TEST(what_transforms_become) {
  feature_plan plan;
  CHECK_EQ(wrong_with({}, column_type::number, &plan), "");
  CHECK_EQ(plan.last, last_step::value);
  plan = {};
  CHECK_EQ(wrong_with({}, column_type::category, &plan), "");
  CHECK_EQ(plan.last, last_step::one_hot);
  plan = {};
  CHECK_EQ(
      wrong_with({"  log ", "clip\t-1  2e0", "equal-frequency 65536"}, column_type::number, &plan),
      "");
  CHECK_EQ(plan.steps.size(), 2u);
  CHECK_EQ(plan.steps[1].high, 2.0);
  CHECK_EQ(plan.bins, 65536u);
  CHECK_EQ(plan.learned, learns::equal_frequency);
  plan = {};
  CHECK_EQ(wrong_with({"hash 2147483648", "log", "boundaries -1.5 0 +2"},
                      column_type::weighted_list, &plan),
           "");
  CHECK_EQ(plan.buckets, 1u << 31);
  CHECK_EQ(plan.cuts.size(), 3u);
  CHECK_EQ(plan.bins, 4u);
  CHECK_EQ(plan.learned, learns::nothing);
  plan = {};
  CHECK_EQ(wrong_with({"weekday"}, column_type::timestamp, &plan), "");
  CHECK_EQ(plan.last, last_step::weekday);
}

}  // namespace
}  // namespace fmtrain
