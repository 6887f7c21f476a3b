// Synthetic samples: the same sample i in any block, lines that are all good, the laws they follow.
#include "synth/synth.h"

#include <map>
#include <sstream>

#include "model/loss.h"
#include "support.h"

namespace fmtrain {
namespace {

synth_options options_of(int64_t fields, int64_t dims) {
  synth_options o;
  o.fields = fields;
  o.dims = dims;
  return o;
}

synth_options all_there_is() {
  synth_options o = options_of(7, 20000);
  o.numeric = 3;
  o.factors = 4;
  o.keys = 1000;
  o.weights = true;
  o.seed = 5;
  return o;
}

TEST(a_sample_is_the_same_in_any_block) {
  const synth made(all_there_is());
  std::vector<float> scores;
  const std::string whole = made.text(1000, 300, &scores);
  for (const uint64_t block : {1, 7, 100, 299}) {
    std::string parts;
    std::vector<float> part_scores;
    for (uint64_t at = 0; at < 300; at += block) {
      parts += made.text(1000 + at, std::min<uint64_t>(block, 300 - at), &part_scores);
    }
    CHECK(parts == whole);
    CHECK(part_scores == scores);
  }
  CHECK(synth(all_there_is()).text(1000, 300, nullptr) == whole);
  synth_options other = all_there_is();
  other.seed = 6;
  CHECK(synth(other).text(1000, 300, nullptr) != whole);
}

TEST(the_header_reads_back) {
  synth_options o = all_there_is();
  o.zipf = 1.0 / 3;
  o.ctr = 0.1 + 0.2;
  o.seed = INT64_MAX;
  synth_options back;
  CHECK(parse_synth_header(synth_header(o), &back));
  CHECK_EQ(synth_header(back), synth_header(o));
  CHECK_EQ(back.zipf, o.zipf);
  CHECK(synth(back).text(0, 50, nullptr) == synth(o).text(0, 50, nullptr));
  for (const std::string& wrong :
       {std::string(), std::string("# fmtrain synth"), std::string("# a comment"),
        synth_header(o) + " ", synth_header(o) + "1x", " " + synth_header(o),
        synth_header(options_of(0, 100))}) {
    CHECK(!parse_synth_header(wrong, &back));
  }
}

TEST(options_out_of_range) {
  CHECK_OK(all_there_is().check());
  const auto refused = [](auto&& change) {
    synth_options o;
    change(o);
    CHECK_EQ(o.check().code(), errc::invalid);
  };
  refused([](synth_options& o) { o.fields = 0; });
  refused([](synth_options& o) { o.fields = 1001; });
  refused([](synth_options& o) { o.dims = 79; });
  refused([](synth_options& o) { o.numeric = -1; });
  refused([](synth_options& o) { o.factors = 65; });
  refused([](synth_options& o) { o.keys = -1; });
  refused([](synth_options& o) { o.zipf = 0; });
  refused([](synth_options& o) { o.ctr = 1; });
  refused([](synth_options& o) { o.ctr = NAN; });
}

TEST(every_line_is_good) {
  synth_options o = all_there_is();
  o.fields = 120;
  const std::string text = synth(o).text(0, 400, nullptr);
  model m(hyper_of({{"factors", "0"}}), true);
  trainer run(m, {1, false}, parse_options());
  feed_all(run.input(), text);
  CHECK_OK(run.finish());
  const line_counts counts = run.input().log().counts();
  for (int kind = 0; kind < line_kinds; ++kind) CHECK_EQ(counts[kind], kind == 0 ? 400u : 0u);
}

struct parsed {
  bool positive;
  double weight = 1;
  std::vector<std::string> names;
  std::string key;
};

std::vector<parsed> samples_of(const std::string& text) {
  std::vector<parsed> samples;
  std::istringstream lines(text);
  for (std::string line, token; std::getline(lines, line);) {
    std::istringstream tokens(line);
    parsed p;
    tokens >> token;
    p.positive = token[0] == '1';
    if (token.size() > 2) p.weight = std::stod(token.substr(2));
    while (tokens >> token && token != "#") p.names.push_back(token);
    if (token == "#") tokens >> p.key;
    samples.push_back(p);
  }
  return samples;
}

TEST(lines_have_all_their_parts) {
  bool weighted = false;
  for (const parsed& p : samples_of(synth(all_there_is()).text(0, 500, nullptr))) {
    CHECK_EQ(p.names.size(), 10u);
    for (size_t f = 0; f < 7; ++f)
      CHECK_EQ(p.names[f].substr(0, 4), "f0" + std::to_string(f) + "_");
    for (size_t f = 0; f < 3; ++f) {
      CHECK_EQ(p.names[7 + f].substr(0, 4), "n0" + std::to_string(f) + ":");
    }
    CHECK(p.key.size() > 1 && p.key[0] == 'u');
    CHECK(p.positive || p.weight == 1);
    weighted = weighted || p.weight != 1;
  }
  CHECK(weighted);
}

// The larger field's values against k^-exponent, each within five standard errors.
TEST(values_follow_zipfs_law) {
  constexpr uint64_t samples = 150000;
  uint64_t values = 0;  // of the field: all occur under the flattest law
  for (const double exponent : {0.3, 1.0, 1.1, 2.5}) {
    synth_options o = options_of(2, 32);
    o.zipf = exponent;
    std::map<uint64_t, double> counts;
    for (const parsed& p : samples_of(synth(o).text(0, samples, nullptr))) {
      ++counts[std::stoull(p.names[1].substr(4))];
    }
    if (values == 0) values = counts.rbegin()->first;
    CHECK(values == 29 || values == 30);
    CHECK(counts.begin()->first >= 1 && counts.rbegin()->first <= values);
    double sum = 0;
    for (uint64_t k = 1; k <= values; ++k) sum += std::pow(static_cast<double>(k), -exponent);
    for (uint64_t k = 1; k <= values; ++k) {
      const double expected = samples * std::pow(static_cast<double>(k), -exponent) / sum;
      CHECK_NEAR(counts[k], expected, 5 * std::sqrt(expected));
    }
  }
}

// The clicks are drawn from the scores that are handed out: mean and slope agree.
TEST(labels_follow_the_scores) {
  constexpr uint64_t samples = 40000;
  for (const int64_t factors : {0, 4}) {
    synth_options o = options_of(20, 10000);
    o.factors = factors;
    std::vector<float> scores;
    const std::vector<parsed> lines = samples_of(synth(o).text(0, samples, &scores));
    CHECK_EQ(scores.size(), lines.size());
    double clicks[2] = {}, expected[2] = {}, variance[2] = {};
    for (size_t i = 0; i < lines.size(); ++i) {
      const double p = sigmoid(static_cast<double>(scores[i]));
      const int half = scores[i] > -1.4f ? 1 : 0;
      clicks[half] += lines[i].positive ? 1 : 0;
      expected[half] += p;
      variance[half] += p * (1 - p);
    }
    for (int half = 0; half < 2; ++half) {
      CHECK_NEAR(clicks[half], expected[half], 5 * std::sqrt(variance[half]));
    }
    CHECK_NEAR((clicks[0] + clicks[1]) / samples, 0.2, 0.1);
  }
}

}  // namespace
}  // namespace fmtrain
