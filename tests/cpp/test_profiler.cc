// What `schema fit` reads: numbers before the learned step in row order, ranges, counts.
#include <algorithm>
#include <map>
#include <string>

#include "encode/profiler.h"
#include "encode/transform.h"
#include "support.h"

using namespace fmtrain;

namespace {

constexpr const char* plan_text = R"({"columns": {
    "label": {"role": "label"},
    "w": {"role": "weight"},
    "a": {"type": "number", "transforms": ["log", "equal-frequency 4"]},
    "b": {"type": "number", "missing-as": -1, "range": [0, 10], "infinite-as": "clip",
          "transforms": ["z-score"]},
    "c": {"type": "category", "missing-as": "reject"},
    "t": {"type": "weighted-list", "transforms": ["clip 0 5", "min-max"]}},
  "features": {"a2": {"from": "a", "transforms": ["round"]},
               "a3": {"from": "a", "transforms": ["equal-width 2"]}}})";

std::shared_ptr<const encoder> plan_of(const char* text = plan_text) {
  std::shared_ptr<const encoder> plan;
  CHECK_OK(encoder::compile(text, {}, 0, &plan));
  return plan;
}

size_t feature_at(const encoder& plan, const std::string& name) {
  const auto& all = plan.plan().features;
  return static_cast<size_t>(
      std::find_if(all.begin(), all.end(), [&](const auto& f) { return f.name == name; }) -
      all.begin());
}

// Numbers with a comma between them.
std::string shown(const std::vector<std::vector<std::vector<double>>>& all, size_t feature) {
  std::string text;
  if (feature >= all.size()) return text;
  for (const auto& part : all[feature]) {
    for (const double v : part) text += (text.empty() ? "" : ",") + check::show(v);
  }
  return text;
}

constexpr const char* rows =
    "x\t-5\t0\t3\tu\tp:2,q\n"  // neither label nor weight is one
    "1\t1\t-1\t\tu\tp:9\n"     // b is filled in
    "\t\tnan\t1e99\tv\t\n"     // b is clipped
    "1\t1\t7\t7\t\tp:3\n"      // rejected
    "0\t1\tword\t-inf\tv\tq:x,r:-1\n"
    "\n"
    "0\t1\t1\n";  // ragged

}  // namespace

TEST(numbers_come_before_the_learned_step_and_only_of_good_rows) {
  const auto plan = plan_of();
  profiler run(*plan, 2, row_format::tsv, profile_rows::learning);
  feed_all(run.input(), rows);
  CHECK_OK(run.finish());
  const auto values = run.seen().take();
  const std::string one = check::show(std::log1p(1.0));
  CHECK_EQ(shown(values, feature_at(*plan, "a")), "0,-" + one);
  CHECK_EQ(shown(values, feature_at(*plan, "b")), "3,-1,10,0");
  CHECK_EQ(shown(values, feature_at(*plan, "t")), "2,1,5,0");
  CHECK_EQ(shown(values, feature_at(*plan, "a2")), "");
  CHECK_EQ(shown(values, feature_at(*plan, "a3")), "0,-1");
  CHECK(run.seen().take().empty());

  const auto ranges = run.seen().ranges();
  CHECK_EQ(ranges[2].min, -1.0);
  CHECK_EQ(ranges[2].max, 0.0);
  CHECK_EQ(ranges[3].min, 0.0);  // not what was filled in
  CHECK_EQ(ranges[3].max, 10.0);
  for (const size_t without : {0, 1, 4, 5}) CHECK(ranges[without].min > ranges[without].max);

  const guard_counts guards = run.seen().guards();
  CHECK_EQ(guards[2].rows, 5u);
  CHECK_EQ(guards[2].nan, 1u);
  CHECK_EQ(guards[2].invalid, 1u);
  CHECK_EQ(guards[3].missing, 1u);
  CHECK_EQ(guards[3].outside, 1u);
  CHECK_EQ(guards[3].infinite, 1u);
  const line_counts counts = run.input().log().counts();
  CHECK_EQ(counts[static_cast<int>(line_kind::sample)], 4u);
  CHECK_EQ(counts[static_cast<int>(line_kind::rejected_cell)], 1u);
  CHECK_EQ(counts[static_cast<int>(line_kind::ragged)], 1u);
  CHECK_EQ(counts[static_cast<int>(line_kind::blank)], 1u);
}

TEST(checking_judges_labels_and_learns_nothing) {
  const auto plan = plan_of();
  profiler run(*plan, 1, row_format::tsv, profile_rows::checking);
  feed_all(run.input(), rows);
  CHECK_OK(run.finish());
  CHECK_EQ(shown(run.seen().take(), feature_at(*plan, "b")), "");
  const line_counts counts = run.input().log().counts();
  CHECK_EQ(counts[static_cast<int>(line_kind::sample)], 2u);
  CHECK_EQ(counts[static_cast<int>(line_kind::bad_label)], 1u);
  CHECK_EQ(counts[static_cast<int>(line_kind::missing_label)], 1u);
  CHECK_EQ(run.seen().ranges()[3].max, 0.0);  // of the good rows: a filled-in one, -inf clipped
}

TEST(numbers_are_in_row_order_for_any_number_of_threads) {
  const auto plan = plan_of(R"({"columns": {"a": {"type": "number", "transforms": ["z-score"]}}})");
  std::string text;
  constexpr uint64_t count = 400'000;
  for (uint64_t i = 0; i < count; ++i) text += std::to_string(i) + "\n";
  for (const size_t threads : {1, 2, 8}) {
    profiler run(*plan, threads, row_format::tsv, profile_rows::learning);
    uint64_t next = 0;
    bool rising = true;
    const auto drain = [&] {
      for (const auto& feature : run.seen().take()) {
        for (const auto& part : feature) {
          for (const double v : part) rising = rising && v == static_cast<double>(next++);
        }
      }
    };
    // In two inputs: the numbers of their sources go on.
    const size_t half = text.find('\n', text.size() / 2) + 1;
    feed_all(run.input(), std::string_view(text).substr(0, half));
    drain();
    feed_all(run.input(), std::string_view(text).substr(half));
    CHECK_OK(run.finish());
    drain();
    CHECK(rising);
    CHECK_EQ(next, count);
  }
}

TEST(sources_that_never_came_to_an_end_are_not_waited_for) {
  profile_log log;
  const auto block = [](double v) {
    profile_block made;
    made.values = {{v}};
    return made;
  };
  log.add(1, block(1));
  CHECK(log.take().empty());
  log.add(0, block(0));
  CHECK_EQ(shown(log.take(), 0), "0,1");
  log.add(4, block(4));
  log.add(3, block(3));
  CHECK_EQ(shown(log.take(), 0), "");
  log.close();
  CHECK_EQ(shown(log.take(), 0), "3,4");
}
