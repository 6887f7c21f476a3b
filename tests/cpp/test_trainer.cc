// A pass of training: the published numbers, the same bytes from the same input, no sample lost
// between threads, refused samples that leave no trace.
#include "train/trainer.h"

#include <unistd.h>

#include "support.h"
#include "synth/synth.h"

namespace fmtrain {
namespace {

std::string synth_text(uint64_t samples, int64_t factors = 0, bool weights = true) {
  synth_options options;
  options.fields = 12;
  options.dims = 5000;
  options.numeric = 2;
  options.factors = factors;
  options.weights = weights;
  return synth(options).text(0, samples, nullptr);
}

row_ref row_of(const model& m, std::string_view name) {
  const row_ref row = m.rows().find(id_of(name));
  CHECK(static_cast<bool>(row));
  return row;
}
coordinate w_of(const model& m, std::string_view name) { return row_of(m, name).w(); }

void check_finite(const model& m) {
  m.rows().for_each([&](row_ref row, std::string_view) {
    for (size_t i = 0; i < values_of(m); ++i) CHECK(std::isfinite(value_of(row, i, m.factors())));
  });
  CHECK(std::isfinite(m.bias.z) && std::isfinite(m.bias.n));
}

// The test vector of the semantics page, recomputed there in doubles.
TEST(three_rows_by_the_book) {
  model m(
      hyper_of({{"bias", "0"}, {"factors", "0"}, {"alpha", "0.1"}, {"l1", "0.01"}, {"l2", "1"}}),
      false);
  const meter seen = train(m, "1 a:1 b:2\n0 a:1\n1 b:1\n");
  const coordinate a = w_of(m, "a"), b = w_of(m, "b");
  CHECK_NEAR(static_cast<double>(a.z), -.05743494018576245, 1e-6);
  CHECK_NEAR(static_cast<double>(a.n), .5077142606647347, 1e-6);
  CHECK_NEAR(static_cast<double>(b.z), -1.541400278847183, 1e-6);
  CHECK_NEAR(static_cast<double>(b.n), 1.2383553196182688, 1e-6);
  // Progressive: scored before it is learned.
  const double p[] = {.5, .5076556516623594, .5117835320083224};
  CHECK_NEAR(seen.prediction_sum, p[0] + p[1] + p[2], 1e-6);
  CHECK_NEAR(seen.loss_sum, -std::log(p[0]) - std::log(1 - p[1]) - std::log(p[2]), 1e-6);
  CHECK_EQ(seen.label_sum, 2.0);
}

TEST(the_same_input_gives_the_same_bytes) {
  const std::string text = synth_text(20000, 2);
  for (const char* factors : {"0", "4", "5"}) {
    std::string first;
    for (int run = 0; run < 2; ++run) {
      model m(hyper_of({{"factors", factors}, {"v_l1", "0.001"}}), true);
      train(m, text);
      check_finite(m);
      if (run == 0) first = bytes_of(m);
      CHECK(bytes_of(m) == first);
    }
  }
}

// With l1 this large every w stays 0 and p = 1/2: n and z are sums of multiples of 1/4, exact in a
// float, whatever the order. One lost update of 660,000 to the same row would show.
TEST(no_update_is_lost_between_threads) {
  constexpr int samples = 60000;
  const std::string key = " # " + std::string(60, 'k') + "\n";  // many chunks: work for all threads
  std::string text;
  for (int i = 0; i < samples; ++i) {
    text += (i % 3 == 0 ? "1 a a a a a a a a a a a b" : "0 a a a a a a a a a a a b") +
            std::to_string(i % 50) + key;
  }
  for (const size_t threads : {1, 4, 8}) {
    model m(hyper_of({{"factors", "0"}, {"l1", "1e9"}}), false);
    const meter seen = train(m, text, threads);
    CHECK_EQ(seen.samples, static_cast<uint64_t>(samples));
    CHECK_EQ(m.seen.samples, static_cast<uint64_t>(samples));
    CHECK_EQ(m.seen.label_sum, samples / 3.0);
    CHECK_EQ(m.seen.weight_sum, 1.0 * samples);
    CHECK_EQ(m.rows().rows(), 51u);
    CHECK_EQ(w_of(m, "a").n, 0.25f * samples * 11);
    CHECK_EQ(w_of(m, "a").z, 0.5f * samples / 3 * 11);
    CHECK_EQ(m.bias.n, 0.25 * samples);
    CHECK_EQ(m.bias.z, 0.5 * samples / 3);
    for (int i = 0; i < 50; ++i) {
      CHECK_EQ(w_of(m, "b" + std::to_string(i)).n, 0.25f * samples / 50);
    }
  }
}

// Threads see each other's weights a little late: the loss may differ in its third digit. Without
// sample weights: one of hundreds, learned late by a thread that lost its core, shows in the
// second.
TEST(threads_learn_the_same_model) {
  const std::string text = synth_text(30000, 2, false);
  model one(hyper_of({{"l1", "0.01"}}), false), four(one.hypers(), false);
  const double loss_of_one = train(one, text).mean_logloss();
  const meter of_four = train(four, text, 4);
  CHECK_NEAR(of_four.mean_logloss(), loss_of_one, 0.02 * loss_of_one);
  CHECK_EQ(four.rows().rows(), one.rows().rows());
  CHECK_EQ(of_four.samples, 30000u);
  check_finite(four);
}

TEST(the_model_learns) {
  const std::string text = synth_text(30000);
  model m(hyper_of({{"factors", "0"}, {"alpha", "0.1"}, {"l1", "0"}, {"l2", "0"}}), false);
  const double first = train(m, text).mean_logloss();
  const meter second = train(m, text);
  CHECK(second.mean_logloss() < first);
  CHECK(second.auc() > 0.7);
}

TEST(a_weight_multiplies_the_gradient) {
  model weighted(hyper_of({{"factors", "0"}}), false), plain(weighted.hypers(), false);
  train(weighted, "1:3 a\n");
  train(plain, "1 a:3\n");
  CHECK_EQ(w_of(weighted, "a").n, w_of(plain, "a").n);
  CHECK_EQ(w_of(weighted, "a").n, 2.25f);  // (3 / 2)^2: not thrice 1/4
  CHECK_EQ(weighted.seen.weight_sum, 3.0);
  CHECK_EQ(weighted.seen.label_sum, 3.0);
  model unmoved(weighted.hypers(), false);
  train(unmoved, "1:0 a\n");
  CHECK_EQ(w_of(unmoved, "a").z, 0.0f);
}

TEST(a_name_that_stands_twice_is_updated_twice) {
  model m(hyper_of({{"factors", "0"}, {"l1", "0"}}), false);
  train(m, "1 a:1 a:2\n");
  CHECK_EQ(w_of(m, "a").z, -1.5f);
  CHECK_EQ(w_of(m, "a").n, 1.25f);
}

// ---- samples that cannot be learned ----

const char* const refused_lines[] = {
    "1 a:1e20 b:1e20",                // a gradient beyond its bound
    "1:1e30 a b",                     // by its weight
    "0 known:3e38 a:1",               // by the value of a trained feature
    "1:3e38 a:3e38 b:-3e38 c:1e-30",  // all at once
};

TEST(refused_samples_leave_no_trace) {
  for (const char* factors : {"0", "4"}) {
    for (const char* line : refused_lines) {
      model m(hyper_of({{"factors", factors}, {"l1", "0"}, {"init_stdev", "1"}}), true);
      train(m, "1 known other\n0 other\n1 known\n");
      model before(m.hypers(), true);
      train(before, "1 known other\n0 other\n1 known\n");
      trainer run(m, {1, false}, parse_options());
      feed_all(run.input(), std::string("# comment\n") + line + "\n1 later\n");
      CHECK_OK(run.finish());
      const line_counts counts = run.input().log().counts();
      CHECK_EQ(counts[static_cast<int>(line_kind::nonfinite_score)], 1u);
      CHECK_EQ(run.progress(false).total.samples, 1u);
      CHECK_EQ(m.seen.samples, 4u);
      for (const char* name : {"known", "other"}) {
        const row_ref now = row_of(m, name), then = row_of(before, name);
        for (size_t i = 0; i < values_of(m); ++i) {
          CHECK_EQ(value_of(now, i, m.factors()), value_of(then, i, m.factors()));
        }
      }
      const std::vector<bad_line> examples = run.input().log().examples();
      CHECK_EQ(std::string(line) + check::show(examples.size()), std::string(line) + "1");
      if (examples.empty()) continue;
      CHECK_EQ(examples[0].line, 2u);
      CHECK(examples[0].kind == line_kind::nonfinite_score);
      check_finite(m);
    }
  }
}

// Within one batch, by threads that have copies of some of the rows: n and z are exact sums of what
// the others of the batch learned (see no_update_is_lost_between_threads).
TEST(refused_samples_leave_no_trace_between_threads) {
  constexpr int samples = 4200;
  for (const char* factors : {"0", "4", "5"}) {
    std::string text;
    for (int i = 0; i < samples; ++i) {
      const bool refused = i % 3 == 1 || i % 40 < 4;
      text += std::string(i % 2 == 0 ? "1" : "0") + " a b" + std::to_string(i % 70) +
              (refused ? " c:1e30 a a d\n" : " c:2\n");
    }
    uint64_t learned = 0;
    float z = 0;
    for (int i = 0; i < samples; ++i) {
      if (i % 3 == 1 || i % 40 < 4) continue;
      ++learned;
      z += i % 2 == 0 ? -0.5f : 0.5f;
    }
    for (const size_t threads : {1, 4}) {
      model m(hyper_of({{"factors", factors}, {"l1", "1e9"}, {"v_l1", "1e9"}, {"init_stdev", "0"}}),
              false);
      CHECK_EQ(train(m, text, threads).samples, learned);
      CHECK_EQ(w_of(m, "a").z, z);
      CHECK_EQ(w_of(m, "a").n, 0.25f * static_cast<float>(learned));
      CHECK_EQ(w_of(m, "c").z, 2 * z);
      CHECK_EQ(w_of(m, "c").n, static_cast<float>(learned));
      CHECK_EQ(w_of(m, "d").n, 0.0f);
      double n = 0;
      for (int i = 0; i < 70; ++i) {
        n += static_cast<double>(w_of(m, "b" + std::to_string(i)).n);
      }
      CHECK_EQ(n, 0.25 * static_cast<double>(learned));
    }
  }
}

TEST(the_largest_value_of_a_refused_sample_is_named) {
  model m(hyper_of({{"factors", "0"}}), false);
  trainer run(m, {1, false}, parse_options());
  feed_all(run.input(), "1 a b:-1e30 c:1e20\n1:1e30\n");
  CHECK_OK(run.finish());
  const std::vector<bad_line> examples = run.input().log().examples();
  CHECK_EQ(examples.size(), 2u);
  CHECK_EQ(examples[0].detail, std::string("b:-1e+30"));
  CHECK_EQ(examples[1].detail, std::string());
}

TEST(extreme_streams_stay_finite) {
  test_random random(9);
  const char* const values[] = {"1",    "-1",   "1e-45", "-1e-38", "1e10", "-1e15",
                                "1e18", "3e38", "-3e38", "1e-20",  "0.5",  "1e5"};
  const char* const labels[] = {"1", "0", "0.5", "1:1e10", "0:1e-30", "1:3e38", "0:0"};
  for (const char* factors : {"0", "3", "8"}) {
    for (const size_t threads : {1, 3}) {
      std::string text;
      for (int i = 0; i < 6000; ++i) {
        text += labels[random.below(std::size(labels))];
        for (uint64_t f = 1 + random.below(5); f > 0; --f) {
          text += " f" + std::to_string(random.below(40)) + ":" +
                  values[random.below(std::size(values))];
        }
        text += " # " + std::string(200, 'k') + "\n";
      }
      model m(hyper_of({{"factors", factors},
                        {"alpha", "10"},
                        {"l1", "0"},
                        {"l2", "0"},
                        {"v_alpha", "1e9"},
                        {"v_beta", "1e-9"},
                        {"v_l1", "0"},
                        {"v_l2", "0"},
                        {"init_stdev", "1000"}}),
              false);
      const meter seen = train(m, text, threads);
      check_finite(m);
      CHECK(std::isfinite(seen.loss_sum) && seen.samples > 0 && seen.samples < 6000);
      std::unique_ptr<model> back;
      CHECK_OK(model_of(bytes_of(m), &back));
    }
  }
}

TEST(values_of_zero_and_lines_without_features) {
  for (const char* linear : {"0", "1"}) {
    for (const size_t threads : {1, 2}) {
      model m(hyper_of({{"factors", "4"}, {"linear", linear}}), false);
      const meter seen = train(m, "1\n0 a:0 b:-0\n1 # key\n", threads);
      CHECK_EQ(seen.samples, 3u);
      CHECK_EQ(m.rows().rows(), 0u);
      CHECK(m.bias.n > 0);
    }
  }
}

TEST(terms_that_are_off_are_not_learned) {
  const std::string text = synth_text(300);
  model m(hyper_of({{"bias", "0"}, {"linear", "0"}, {"factors", "4"}}), false);
  train(m, text);
  CHECK_EQ(m.bias.n, 0.0);
  double v_n = 0;
  m.rows().for_each([&](row_ref row, std::string_view) {
    CHECK_EQ(row.w().n, 0.0f);
    v_n += static_cast<double>(row.v[0].n);
  });
  CHECK(v_n > 0);
}

// ---- while it runs ----

TEST(windows_add_up) {
  model m(hyper_of({{"factors", "0"}}), false);
  trainer run(m, {3, false}, parse_options());
  const std::string text = synth_text(20000);
  uint64_t samples = 0;
  double loss = 0;
  for (int part = 0; part < 5; ++part) {
    feed_all(run.input(), text);
    const train_progress now = run.progress(true);
    samples += now.window.samples;
    loss += now.window.loss_sum;
    CHECK_EQ(now.total.samples, samples);
    CHECK(now.memory_bytes >= now.features * sizeof(row_head));
  }
  CHECK_OK(run.finish());
  const train_progress last = run.progress(false);
  CHECK_EQ(last.total.samples, 100000u);
  CHECK_EQ(last.window.samples, 100000 - samples);
  CHECK_NEAR(last.total.loss_sum, loss + last.window.loss_sum, 1e-6 * loss + 1e-6);
  CHECK_EQ(last.features, m.rows().rows());
  CHECK_OK(run.finish());
  CHECK_EQ(m.seen.samples, 100000u);  // once
}

TEST(deterministic_threads_leave_the_bytes_of_one) {
  // Weights whose sums depend on their order, and lines that are bad.
  std::string text;
  test_random random(5);
  const std::string plain = synth_text(30000);
  for (size_t at = 0, line = 0; at < plain.size(); ++line) {
    const size_t end = plain.find('\n', at) + 1;
    text += line % 1000 == 7 ? "nonsense\n" : "";
    text += plain[at];
    if (plain[at + 1] == ' ') text += ":0." + std::to_string(1 + random.below(99999));
    text += plain.substr(at + 1, end - at - 1);
    at = end;
  }
  for (const char* factors : {"0", "3", "8"}) {
    model one(hyper_of({{"factors", factors}}), true);
    const meter expected = train(one, text);
    CHECK_EQ(expected.samples, 30000u);
    for (const size_t threads : {1, 2, 3, 8}) {
      model m(hyper_of({{"factors", factors}}), true);
      const meter got = train(m, text, threads, true);
      CHECK(bytes_of(m) == bytes_of(one));
      CHECK_EQ(got.loss_sum, expected.loss_sum);
    }
  }
}

TEST(a_stop_leaves_a_usable_model) {
  const std::string text = synth_text(40000);
  for (const size_t threads : {1, 4}) {
    model m(hyper_of({{"factors", "4"}}), true);
    trainer run(m, {threads, false}, parse_options());
    feed_all(run.input(), text);
    run.input().stop();
    feed_all(run.input(), text);  // is dropped, and does not hang
    CHECK_OK(run.finish());
    CHECK(run.input().stopped());
    CHECK_EQ(run.progress(false).total.samples, m.seen.samples);
    CHECK(m.seen.samples <= 40000);
    check_finite(m);
    std::unique_ptr<model> back;
    CHECK_OK(model_of(bytes_of(m), &back));
    CHECK_EQ(train(*back, "1 a\n").samples, 1u);
  }
}

TEST(a_trainer_that_is_dropped_ends) {
  model m(hyper_of({{"factors", "4"}}), false);
  const std::string text = synth_text(20000);
  for (int round = 0; round < 5; ++round) {
    trainer run(m, {2, false}, parse_options());
    feed_all(run.input(), text);
  }
  check_finite(m);
  CHECK_EQ(m.seen.samples, 0u);
}

}  // namespace
}  // namespace fmtrain
