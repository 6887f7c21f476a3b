// What keeps the table small, in training runs: late lanes, admission, expiry, the cap on memory.
#include "train/economy.h"

#include <unordered_map>

#include "support.h"

namespace fmtrain {
namespace {

economy_report run(model& m, std::string_view text, size_t threads,
                   const economy_options& options = {}) {
  trainer t(m, {threads, false, options}, parse_options());
  feed_all(t.input(), text);
  CHECK_OK(t.finish());
  return t.progress(false).thrift;
}

// Features "f0" .. in a known number of sights each.
struct sights {
  std::string text;
  std::unordered_map<std::string, uint32_t> of;
};

sights random_sights(uint64_t seed, int samples, int often) {
  sights all;
  test_random random(seed);
  for (int i = 0; i < samples; ++i) {
    all.text += random.below(3) == 0 ? "1" : "0";
    for (int f = 0; f < 6; ++f) {
      const uint64_t value = random.below(2) == 0 ? random.below(often) : random.below(1u << 20);
      const std::string name = "f" + std::to_string(value);
      ++all.of[name];
      all.text += " " + name;
    }
    all.text += "\n";
  }
  return all;
}

TEST(lanes_come_at_the_nth_sight) {
  const sights all = random_sights(1, 12000, 4000);
  for (const size_t threads : {1, 2, 4}) {
    for (const uint32_t needed : {1, 2, 3, 20}) {
      const std::string count = std::to_string(needed);
      model m(hyper_of({{"factors", "3"}, {"v_min_count", count.c_str()}}), false);
      run(m, all.text, threads);
      CHECK_EQ(m.rows().rows(), all.of.size());
      uint64_t wrong = 0;
      for (const auto& [name, seen] : all.of) {
        const row_ref row = m.rows().find(id_of(name));
        wrong += !row || (row.v != nullptr) != (seen >= needed);
        if (row && row.v == nullptr) wrong += m.rows().tail_of(row).link != seen;
      }
      CHECK_EQ(wrong, 0u);
    }
  }
}

TEST(lanes_that_come_late_start_as_others_do) {
  model m(hyper_of({{"factors", "2"}, {"v_min_count", "2"}, {"v_start", "kept"}}), false);
  run(m, "1 a b\n", 1);
  CHECK(m.rows().find(id_of("a")).v == nullptr);
  float w = 0, v[2] = {1, 1};
  m.weights_of(m.rows().find(id_of("a")), &w, v);
  CHECK_EQ(v[0], 0.0f);
  run(m, "1 a c\n", 1);
  m.weights_of(m.rows().find(id_of("a")), &w, v);
  CHECK(v[0] != 0);
  CHECK(m.rows().find(id_of("c")).v == nullptr);
}

TEST(rows_come_at_the_nth_sight) {
  const sights all = random_sights(2, 12000, 4000);
  for (const size_t threads : {1, 4}) {
    for (const uint32_t needed : {2, 3, 9}) {
      const std::string count = std::to_string(needed);
      model m(hyper_of({{"factors", "2"}, {"min_count", count.c_str()}}), true);
      const economy_report told = run(m, all.text, threads);
      uint64_t rows = 0, wrong = 0;
      for (const auto& [name, seen] : all.of) {
        const bool due = seen >= needed;
        wrong += static_cast<bool>(m.rows().find(id_of(name))) != due;
        rows += due;
      }
      CHECK_EQ(wrong, 0u);
      CHECK_EQ(m.rows().rows(), rows);
      CHECK_EQ(told.waiting, all.of.size() - rows);
      CHECK(told.exact);

      model by_filter(hyper_of({{"factors", "0"}, {"min_count", count.c_str()}}), false);
      economy_options options;
      options.filter_bytes = 1 << 18;
      const economy_report filtered = run(by_filter, all.text, threads, options);
      for (const auto& [name, seen] : all.of) {
        if (seen >= needed) wrong += !by_filter.rows().find(id_of(name));
      }
      CHECK_EQ(wrong, 0u);
      CHECK(by_filter.rows().rows() < rows + all.of.size() / 20);
      CHECK_EQ(filtered.admission_bytes, 1u << 18);
    }
  }
}

TEST(what_waits_scores_nothing_and_learns_nothing) {
  model m(hyper_of({{"factors", "2"}, {"min_count", "2"}, {"l1", "0"}}), false);
  run(m, "1 a b\n", 1);
  CHECK_EQ(m.rows().rows(), 0u);
  CHECK(m.bias.n > 0);
  const predictions p = predict(m, "1 a b\n1 c\n");
  CHECK_EQ(p.score[0], p.score[1]);
}

TEST(counts_last_where_they_are_handed_on) {
  model m(hyper_of({{"factors", "0"}, {"min_count", "2"}}), false);
  economy_options options;
  {
    trainer first(m, {1, false, options}, parse_options());
    feed_all(first.input(), "1 a b\n");
    CHECK_OK(first.finish());
    options.counts = first.thrift().counts();
  }
  run(m, "1 a c\n", 1, options);
  CHECK_EQ(m.rows().rows(), 1u);
}

TEST(rows_expire_by_samples_and_prefix) {
  for (const size_t threads : {1, 3}) {
    model m(hyper_of({{"factors", "0"}}), true);
    CHECK(!m.rows().has_tail());
    run(m, "1 early user_a\n", 1);
    CHECK_OK(m.set_expiry({"30000", "user_=9000", "item_=0"}, 0));
    CHECK(m.rows().has_tail());
    CHECK_EQ(m.rows().rows(), 2u);
    std::string filler;
    for (int i = 0; i < 20000; ++i) filler += "0 always\n";
    run(m, "1 a user_b item_c\n" + filler, threads);
    CHECK(!m.rows().find(id_of("user_b")));  // 20,000 samples ago
    for (const char* const name : {"early", "user_a", "a", "item_c", "always"}) {
      // user_a came before the rules: it is as everybody, or had its name to be known by.
      if (std::string(name) == "user_a") continue;
      CHECK(m.rows().find(id_of(name)));
    }
    const economy_report told = run(m, filler, threads);
    CHECK(told.expired >= 2);
    CHECK(!m.rows().find(id_of("early")));
    CHECK(!m.rows().find(id_of("a")));
    CHECK(m.rows().find(id_of("item_c")));
    CHECK(m.rows().find(id_of("always")));
    CHECK_EQ(m.rows().rows(), 2u);
  }
}

TEST(rows_expire_by_days) {
  model m(hyper_of({{"factors", "2"}}), false);
  constexpr uint64_t day = 24 * 60, start = 29000000;
  CHECK_OK(m.set_expiry({"3d", "user_=1d"}, start));
  const auto on_day = [&](uint64_t days, const char* text) {
    economy_options options;
    options.now_minutes = start + days * day;
    return run(m, text, 2, options).expired;
  };
  CHECK_EQ(on_day(0, "1 a b user_c\n"), 0u);
  CHECK_EQ(on_day(1, "1 a\n"), 0u);
  CHECK_EQ(on_day(2, "1 a\n"), 1u);  // user_c
  CHECK_EQ(on_day(3, "1 d\n"), 0u);
  CHECK_EQ(on_day(4, "1 d\n"), 1u);  // b
  CHECK_EQ(on_day(6, "1 d\n"), 1u);  // a
  CHECK_EQ(m.rows().rows(), 1u);
  CHECK_EQ(on_day(2, "1 e\n"), 0u);  // a clock that was set back
  CHECK_EQ(m.rows().rows(), 2u);
}

TEST(expiry_rules_are_text_and_back) {
  expiry_rules rules;
  CHECK_OK(rules.set({"30d", "user_=7d", "=x=0"}));
  CHECK_EQ(rules.text(), std::string("30d user_=7d =x=0"));
  const uint32_t user = rules.group_bits("user_1");
  CHECK(user != rules.group_bits("item"));
  CHECK_OK(rules.set({"item=2d"}));  // user_ keeps its number, and is as everybody else: never
  CHECK_EQ(rules.group_bits("user_1"), user);
  CHECK_EQ(rules.text(), std::string("0 user_=0 =x=0 item=2d"));
  expiry_rules again;
  CHECK_OK(again.parse(rules.text()));
  CHECK_EQ(again.text(), rules.text());
  CHECK_EQ(again.group_bits("item_4"), rules.group_bits("item_4"));
  CHECK_OK(again.set({"0"}));
  CHECK(!again.on());

  const auto message = [](const std::vector<std::string>& given) {
    expiry_rules fresh;
    return fresh.set(given).message();
  };
  const std::string usage =
      " is not allowed: give samples as 50000000 or days as 30d, with a "
      "prefix as user_=7d";
  for (const char* const wrong : {"", "x", "3h", "-1", "1.5d", "d", "=3", "user_=", "a b=3"}) {
    CHECK_EQ(message({wrong}),
             "expire_after = " + (*wrong == 0 ? std::string("''") : wrong) + usage);
  }
  CHECK_EQ(message({"30d", "u=500"}),
           std::string("expire_after = u=500 is not allowed: samples and days cannot be mixed"));
  CHECK_EQ(message({"u=3d", "u=4d"}),
           std::string("expire_after = u=4d is not allowed: its prefix stands twice"));
  CHECK_EQ(message({"6000d"}),
           std::string("expire_after = 6000d is not allowed: at most 5825d can be told apart"));
}

// They stand in the header of the model file, whose size has a limit.
TEST(expiry_rules_fit_into_a_file) {
  model m(hyper_of({{"factors", "0"}}), true);
  std::vector<std::string> rules = {"30d"};
  for (int i = 0; i < 255; ++i) {
    rules.push_back(std::to_string(100 + i) + std::string(125, 'x') + "=7d");
  }
  CHECK_OK(m.set_expiry(rules, 0));
  std::unique_ptr<model> back;
  CHECK_OK(model_of(bytes_of(m), &back));
  CHECK(back != nullptr && back->expiry().text() == m.expiry().text());
  CHECK_EQ(m.set_expiry({"30d", "one_too_many=7d"}, 0).code(), errc::invalid);

  model fresh(hyper_of({{"factors", "0"}}), true);
  const std::string longest(32768, 'x');
  CHECK_OK(fresh.set_expiry({longest + "=7d", "30d"}, 0));
  CHECK_OK(model_of(bytes_of(fresh), &back));
  const status refused = fresh.set_expiry({"30d", "a=7d"}, 0);
  CHECK(refused.message().find("at most 32768 bytes") != std::string::npos);
}

TEST(the_cap_holds_and_says_what_it_did) {
  // More features that come often than there is room for, and some that come very often.
  std::string text;
  test_random random(9);
  for (int i = 0; i < 60000; ++i) {
    text += random.below(2) == 0 ? "1 f" : "0 f";
    text += std::to_string(random.below(5));
    for (int f = 0; f < 24; ++f) text += " g" + std::to_string(random.below(160000));
    text += "\n";
  }
  for (const size_t threads : {1, 2}) {
    for (const char* const factors : {"0", "4"}) {
      model m(hyper_of({{"factors", factors}}), false);
      economy_options thrift;
      thrift.max_bytes = *factors == '0' ? 2600000 : 5 << 20;
      trainer t(m, {threads, false, thrift}, parse_options());
      t.input().begin("test");
      for (size_t at = 0; at < text.size();) {
        size_t taken = 0;
        CHECK_OK(t.input().feed(text.data() + at, std::min<size_t>(text.size() - at, 300000),
                                std::chrono::seconds(1), &taken));
        at += taken;
        const economy_report now = t.progress(false).thrift;
        CHECK(now.allocated_bytes <= now.max_bytes);
      }
      CHECK_OK(t.input().end());
      CHECK_OK(t.finish());
      const economy_report told = t.progress(false).thrift;
      CHECK_EQ(told.max_bytes, thrift.max_bytes);
      CHECK_EQ(told.min_count, 5u);
      CHECK(told.evicted > 0);
      CHECK(told.evictions > 0);
      CHECK(told.refused > 0);
      CHECK(m.memory_bytes() <= thrift.max_bytes);
      CHECK(m.rows().rows() > 10000);
      // What was seen often is still there.
      for (const char* const often : {"f0", "f2", "f4"}) {
        CHECK(m.rows().find(id_of(often)));
      }
    }
  }
}

TEST(a_model_above_the_cap_is_cut_down_to_it) {
  const sights all = random_sights(4, 30000, 100);
  model m(hyper_of({{"factors", "4"}}), true);
  run(m, all.text, 1);
  const uint64_t before = m.rows().allocated_bytes();
  economy_options thrift;
  thrift.max_bytes = before * 6 / 10;
  const economy_report told = run(m, "1 f1\n", 1, thrift);
  CHECK(told.evicted > 0);
  CHECK(m.rows().allocated_bytes() <= thrift.max_bytes);
  CHECK(m.rows().find(id_of("f1")));
}

}  // namespace
}  // namespace fmtrain
