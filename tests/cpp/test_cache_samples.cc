// Samples go into a cache and come out as they were, whatever they look like.
#include "cache_support.h"
#include "feature/cache_builder.h"
#include "feature/cache_source.h"
#include "synth/synth.h"

namespace fmtrain {
namespace {

std::string synth_text(uint64_t samples, int64_t numeric = 2) {
  synth_options options;
  options.fields = 10;
  options.dims = 30000;
  options.numeric = numeric;
  options.keys = 500;
  options.weights = true;
  return synth(options).text(0, samples, nullptr);
}

void check_round_trip(const std::string& text) {
  const std::vector<seen_sample> expected = from_cache(samples_of(text));
  CHECK(!expected.empty());
  for (const codec c : {codec::none, codec::lz4, codec::zstd}) {
    CHECK(samples_of(packed(text, 1, c)) == expected);
  }
  read_options nameless;
  nameless.names = false;
  CHECK(samples_of(packed(text, 1, codec::lz4, false), nameless) == samples_of(text, nameless));
}

TEST(every_shape_of_a_sample) {
  check_round_trip("1 a\n");
  check_round_trip("1\n");        // no feature at all
  check_round_trip("0\n1\n0\n");  // nor in any other
  check_round_trip("1 a b\n0 b a\n1 a c\n");
  check_round_trip("1 a b c\n0\n1 c\n0 a a a a a\n");         // of different lengths
  check_round_trip("1 a:2 b:-.5\n0 c b:1e-30\n");             // values
  check_round_trip("0.25 a\n0.5 b\n1 a\n");                   // soft labels
  check_round_trip("1:3 a\n0:0 b\n1:1e20 a\n");               // weights
  check_round_trip("1 a # u1\n0 b\n1 b # a key of words\n");  // keys
  check_round_trip("\n# comment\n1 a\n\n\n0 b\nbad\n1 c\n");  // line numbers with gaps
  check_round_trip("1 \xff\xfe a\x01 " + std::string(3000, 'n') + "\n");
}

TEST(samples_of_a_known_model) {
  check_round_trip(synth_text(3000));
  check_round_trip(synth_text(3000, 0));
}

TEST(places_of_one_two_and_three_bytes) {
  for (const size_t distinct : {255, 256, 257, 65535, 65536, 65537, 200000}) {
    std::string text;
    for (size_t i = 0; i < distinct; ++i) {
      text += (i % 5 == 0 ? (i == 0 ? "1 f" : "\n1 f") : " f") + std::to_string(i);
    }
    text += "\n0 f0 f" + std::to_string(distinct - 1) + "\n";
    check_round_trip(text);
  }
}

TEST(random_samples) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    test_random random(seed);
    std::string text;
    const uint64_t lengths = 1 + random.below(30), names = 1 + random.below(300);
    for (uint64_t line = 1 + random.below(200); line > 0; --line) {
      text += random.pick("01");
      if (random.below(10) == 0 && seed % 2) text += ":2.5";
      for (uint64_t n = random.below(lengths); n > 0; --n) {
        text += " n" + std::to_string(random.below(names));
        if (seed % 3 == 0 && random.below(4) == 0) text += ":0.5";
      }
      if (seed % 5 == 0) text += " # k" + std::to_string(random.below(9));
      text += random.below(20) == 0 ? "\n\n" : "\n";
    }
    check_round_trip(text);
  }
}

TEST(one_line_as_long_as_there_may_be) {
  std::string text = "0 a b\n1";
  for (int i = 0; text.size() < line_bytes_max - 100; ++i) text += " " + std::to_string(i % 70000);
  text += "\n0 c\n";
  const std::vector<seen_sample> expected = from_cache(samples_of(text));
  CHECK_EQ(expected.size(), 3u);
  CHECK(samples_of(packed(text)) == expected);
}

// Line numbers go on where they stood; a jump that no step holds starts a new block.
TEST(a_jump_of_line_numbers_ends_a_block) {
  batch in;
  for (const uint64_t line :
       {uint64_t{1}, uint64_t{5}, uint64_t{1} << 40, (uint64_t{1} << 40) + 1, uint64_t{7}}) {
    in.add_sample(1, 1, {}, line);
  }
  cache_builder builder(false);
  CHECK_EQ(builder.add(in, 0), 2u);
  std::string raw;
  CHECK_OK(builder.encode("x", &raw));
  CHECK(builder.empty());
  CHECK_EQ(builder.add(in, 2), 4u);
  CHECK_OK(builder.encode("x", &raw));
  CHECK_EQ(builder.add(in, 4), 5u);
}

TEST(wide_samples_are_spread_over_blocks) {
  batch in;
  const uint32_t wide = (1 << 20) - 10;
  in.reserve_features(3 * wide);
  for (int sample = 0; sample < 3; ++sample) {
    for (uint32_t i = 0; i < wide; ++i) in.add_feature(i, 1, {0, 0});
    in.add_sample(1, 1, {}, static_cast<uint64_t>(sample) + 1);
  }
  cache_builder builder(false);
  CHECK_EQ(builder.add(in, 0), 2u);
  std::string raw;
  CHECK_OK(builder.encode("x", &raw));
  CHECK(raw.size() < cache_raw_bytes_max);
}

TEST(a_sample_beyond_the_format_is_named) {
  batch in;
  in.reserve_features(cache_features_max + 1);
  for (uint32_t i = 0; i <= cache_features_max; ++i) in.add_feature(1, 1, {0, 0});
  in.add_sample(1, 1, {}, 3);
  cache_builder builder(false);
  CHECK_EQ(builder.add(in, 0), 1u);
  std::string raw;
  const status refused = builder.encode("X", &raw);
  CHECK_EQ(refused.code(), errc::invalid);
  CHECK(refused.message().find("X, line 3: the sample is too large for a cache") == 0);
}

TEST(a_model_learns_the_same) {
  const std::string text = synth_text(20000), cache = packed(text, 3);
  for (const char* factors : {"0", "4"}) {
    model a(hyper_of({{"factors", factors}}), true), b(hyper_of({{"factors", factors}}), true);
    train(a, text);
    train(b, cache);
    CHECK(bytes_of(a) == bytes_of(b));
    CHECK(predict(a, text, 3).score == predict(a, cache, 3).score);
    CHECK(predict(a, text, 3).group == predict(a, cache, 3).group);
  }
}

// Without names, a sample that cannot be scored is told by its line and its feature's id.
TEST(a_refused_sample_is_named) {
  const std::string text = "1 a b\n0 a:3e38 b:3e38\n";
  for (const bool names : {false, true}) {
    model m(hyper_of({{"factors", "4"}}), false);
    train(m, "1 a b\n0 a b\n");
    trainer run(m, {1, false}, parse_options());
    feed_all(run.input(), packed(text, 1, codec::lz4, names), "cache.fmc");
    CHECK_OK(run.finish());
    const std::vector<bad_line> examples = run.input().log().examples();
    CHECK_EQ(examples.size(), 1u);
    if (examples.empty()) continue;
    CHECK_EQ(examples[0].source, std::string("cache.fmc (test)"));
    CHECK_EQ(examples[0].line, 2u);
    char id[32];
    std::snprintf(id, sizeof id, "id:%016llx", static_cast<unsigned long long>(id_of("a")));
    CHECK_EQ(examples[0].detail, std::string(names ? "a" : id) + ":3e+38");
  }
}

}  // namespace
}  // namespace fmtrain
