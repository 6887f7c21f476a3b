// Scores in input order whatever the thread count, equal to the definition, and as lines of text.
#include "score/predictor.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "support.h"
#include "synth/synth.h"

namespace fmtrain {
namespace {

std::string synth_text(uint64_t first, uint64_t samples) {
  synth_options options;
  options.fields = 10;
  options.dims = 3000;
  options.numeric = 2;
  options.keys = 500;
  return synth(options).text(first, samples, nullptr);
}

// By the definition, in doubles: sum over all pairs, one look-up a feature, nothing shared.
std::vector<double> scores_by_definition(const model& m, const std::string& text) {
  std::vector<double> scores;
  std::istringstream lines(text);
  const size_t k = m.factors();
  for (std::string line, token; std::getline(lines, line);) {
    std::istringstream tokens(line);
    tokens >> token;  // the label
    double score = m.bias_weight();
    std::vector<std::vector<double>> terms;  // (features, 1 + factors), times x
    while (tokens >> token && token != "#") {
      const size_t colon = token.find(':');
      const double x =
          colon == std::string::npos ? 1 : static_cast<double>(std::stof(token.substr(colon + 1)));
      const row_ref row = m.rows().find(id_of(token.substr(0, colon)));
      if (!row) continue;
      float w = 0;
      std::vector<float> v(k);
      m.weights_of(row, &w, v.data());
      score += static_cast<double>(w) * x;
      terms.emplace_back();
      for (const float lane : v) terms.back().push_back(static_cast<double>(lane) * x);
    }
    for (size_t i = 0; i < terms.size(); ++i) {
      for (size_t j = i + 1; j < terms.size(); ++j) {
        for (size_t f = 0; f < k; ++f) score += terms[i][f] * terms[j][f];
      }
    }
    scores.push_back(score);
  }
  return scores;
}

TEST(scores_are_the_definition) {
  const std::string learned = synth_text(0, 3000), other = synth_text(3000, 1000);
  for (const char* factors : {"0", "3", "4", "8", "16"}) {
    for (const char* bias : {"0", "1"}) {
      model m(hyper_of({{"factors", factors},
                        {"bias", bias},
                        {"l1", "0.01"},
                        {"v_l1", "1e-4"},
                        {"init_stdev", "0.5"}}),
              false);
      train(m, learned);
      const uint64_t rows = m.rows().rows();
      const std::vector<double> expected = scores_by_definition(m, other);
      const predictions got = predict(m, other);
      CHECK_EQ(got.score.size(), expected.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        CHECK_NEAR(static_cast<double>(got.score[i]), expected[i], 2e-5);
      }
      CHECK_EQ(m.rows().rows(), rows);  // a feature that was never learned is not inserted
    }
  }
}

TEST(the_order_is_the_inputs) {
  model m(hyper_of({{"factors", "4"}}), false);
  train(m, synth_text(0, 2000));
  // Several chunks, some of which parse much faster than others.
  std::string text = synth_text(0, 10000);
  for (int i = 0; i < 20000; ++i) text += "# a comment that is skipped\n";
  text += synth_text(10000, 25000);
  const predictions one = predict(m, text, 1);
  CHECK_EQ(one.score.size(), 35000u);
  for (const size_t threads : {2, 8}) {
    for (int round = 0; round < 3; ++round) {
      const predictions many = predict(m, text, threads);
      CHECK(many.score == one.score);
      CHECK(many.label == one.label);
      CHECK(many.weight == one.weight);
      CHECK(many.group == one.group);
    }
  }
}

TEST(labels_weights_and_groups) {
  const model m(hyper_of({{"factors", "0"}}), false);
  const predictions got = predict(m, "1 a # u1\nbad line\n0.25:3 a\n-1 b # u1\n");
  CHECK(got.label == (std::vector<float>{1, .25f, 0}));
  CHECK(got.weight == (std::vector<float>{1, 3, 1}));
  CHECK(got.group == (std::vector<uint64_t>{id_of("u1"), 0, id_of("u1")}));
  CHECK(got.score == std::vector<float>(3));
}

TEST(a_score_that_is_not_finite_is_a_bad_line) {
  model m(hyper_of({{"factors", "4"}}), false);
  train(m, "1 a b\n0 a b\n");
  predictor run(m, 1, parse_options(), predict_options());
  feed_all(run.input(), "1 a\n1 a:3e38 b:3e38\n0 b\n");
  CHECK_OK(run.finish());
  CHECK_EQ(run.samples(), 2u);
  CHECK(run.take().label == (std::vector<float>{1, 0}));
  const std::vector<bad_line> examples = run.input().log().examples();
  CHECK_EQ(examples.size(), 1u);
  CHECK(!examples.empty() && examples[0].kind == line_kind::nonfinite_score);
  CHECK(!examples.empty() && examples[0].line == 2);
}

std::string lines_of(const model& m, const std::string& text, predict_options options,
                     size_t threads = 1) {
  const temporary_folder folder;
  options.output_fd = ::open(folder.path("out").c_str(), O_CREAT | O_WRONLY, 0644);
  predictor run(m, threads, parse_options(), options);
  feed_all(run.input(), text);
  CHECK_OK(run.finish());
  ::close(options.output_fd);
  CHECK(run.take().score.empty());
  const std::string written = read_file(folder.path("out"));
  CHECK_EQ(run.samples(), static_cast<uint64_t>(std::count(written.begin(), written.end(), '\n')));
  return written;
}

TEST(lines_of_text) {
  model m(hyper_of({{"factors", "0"}, {"bias_l1", "0"}, {"l2", "0"}}), false);
  m.bias = {-20, 0};  // w = 1
  const std::string text = "1 a # key of mine\n0.25 b\n-1\n";
  predict_options options;
  CHECK_EQ(lines_of(m, text, options),
           std::string("1 0.7310586 key of mine\n0.25 0.7310586\n0 0.7310586\n"));
  options.link = fmtrain::link::raw;
  CHECK_EQ(lines_of(m, text, options), std::string("1 1 key of mine\n0.25 1\n0 1\n"));
  options.link = fmtrain::link::exp;
  CHECK_EQ(lines_of(m, "1\n", options), std::string("1 2.7182817\n"));
  options.link = fmtrain::link::sigmoid;
  options.format = prediction_format::alphafm;
  CHECK_EQ(lines_of(m, text, options), std::string("1 0.731059\n1 0.731059\n-1 0.731059\n"));
}

TEST(lines_come_in_order_too) {
  model m(hyper_of({{"factors", "4"}}), false);
  const std::string text = synth_text(0, 30000);
  train(m, text);
  const std::string one = lines_of(m, text, predict_options(), 1);
  CHECK(lines_of(m, text, predict_options(), 8) == one);
}

TEST(an_output_that_cannot_be_written_fails) {
  const model m(hyper_of({}), false);
  for (const size_t threads : {1, 4}) {
    predict_options options;
    options.output_fd = ::open("/dev/full", O_WRONLY);
    predictor run(m, threads, parse_options(), options);
    feed_all(run.input(), synth_text(0, 30000));
    const status refused = run.finish();
    ::close(options.output_fd);
    CHECK_EQ(refused.code(), errc::io);
    CHECK(refused.message().find("the output: cannot write") == 0);
  }
}

TEST(a_stop_gives_a_clean_beginning) {
  model m(hyper_of({{"factors", "4"}}), false);
  const std::string text = synth_text(0, 60000);
  train(m, text.substr(0, text.find('\n', 100000) + 1));
  const predictions whole = predict(m, text);
  for (int round = 0; round < 10; ++round) {
    predictor run(m, 4, parse_options(), predict_options());
    feed_all(run.input(), text);
    run.input().stop();
    CHECK_OK(run.finish());
    const predictions got = run.take();
    CHECK(got.score.size() <= whole.score.size());
    CHECK(std::equal(got.score.begin(), got.score.end(), whole.score.begin()));
  }
}

TEST(links) {
  CHECK_EQ(apply_link(link::raw, -3), -3.0);
  CHECK_EQ(apply_link(link::sigmoid, 0), 0.5);
  CHECK_NEAR(apply_link(link::exp, 2), std::exp(2.0), 1e-12);
  CHECK(std::isfinite(static_cast<float>(apply_link(link::exp, 1e30))));
  CHECK_EQ(apply_link(link::exp, -1e30), 0.0);
}

}  // namespace
}  // namespace fmtrain
