// The list of hyper-parameters: every one goes in and comes out as text, within its range only.
#include "model/hyper.h"

#include <cmath>
#include <set>

#include "support.h"

namespace fmtrain {
namespace {

TEST(defaults_are_alphafms) {
  const hyper h;
  CHECK_EQ(h.factors, 8);
  CHECK_EQ(h.alpha, .05);
  CHECK_EQ(h.l1, .1);
  CHECK_EQ(h.l2, 5.0);
  CHECK(h.bias && h.linear && !h.force_v_sparse);
  CHECK(std::isnan(h.bias_l1));
  CHECK_EQ(h.l1_of_bias(), .1);
  CHECK_EQ(hyper_of({{"bias_l1", "0"}}).l1_of_bias(), 0.0);
  CHECK_EQ(hyper_of({{"bias_l2", "0.5"}}).l2_of_bias(), 0.5);
}

TEST(every_default_reads_back) {
  std::set<std::string> names;
  for (const hyper_line& line : hyper_list()) {
    hyper h;
    CHECK_OK(set_hyper(h, line.name, line.value));
    CHECK_EQ(get_hyper(h, line.name), line.value);
    CHECK(names.insert(line.name).second);
    CHECK(line.help != nullptr && *line.help != '\0');
  }
  CHECK_EQ(names.size(), 20u);
}

TEST(the_ends_of_every_range) {
  for (const hyper_line& line : hyper_list()) {
    const std::string kind = line.kind;
    if (kind == "flag" || kind == "start") continue;
    const bool whole = kind == "integer";
    const auto text = [&](double value) {
      return whole ? std::to_string(static_cast<long long>(value)) : check::show(value);
    };
    hyper h;
    CHECK_OK(set_hyper(h, line.name, text(line.low)));
    CHECK_OK(set_hyper(h, line.name,
                       std::string(line.name) == "seed" ? "9223372036854775807" : text(line.high)));
    const std::string before = get_hyper(h, line.name);
    for (const std::string& wrong :
         {text(line.low - 1), std::string("9223372036854775808"), std::string("1e300"),
          std::string("x"), std::string("1x"), std::string(" 1"), std::string("nan")}) {
      const status refused = set_hyper(h, line.name, wrong);
      CHECK_EQ(refused.code(), errc::invalid);
      CHECK(refused.message().find(line.name) == 0);
      CHECK(refused.message().find(wrong) != std::string::npos);
    }
    CHECK_EQ(get_hyper(h, line.name), before);
    CHECK_EQ(set_hyper(h, line.name, "").ok(), kind == "optional_real");
  }
}

TEST(reals_print_the_shortest_digits) {
  hyper h;
  for (const char* digits : {"0.1", "1e-09", "0.30000000000000004", "123456.789", "5"}) {
    CHECK_OK(set_hyper(h, "alpha", digits));
    CHECK_EQ(get_hyper(h, "alpha"), std::string(digits));
  }
}

TEST(flags_and_starts) {
  hyper h;
  for (const char* text : {"true", "1"}) CHECK_OK(set_hyper(h, "force_v_sparse", text));
  CHECK(h.force_v_sparse);
  for (const char* text : {"false", "0"}) CHECK_OK(set_hyper(h, "force_v_sparse", text));
  CHECK(!h.force_v_sparse);
  for (const char* text : {"", "yes", "True", "2"}) CHECK(!set_hyper(h, "bias", text).ok());
  CHECK_OK(set_hyper(h, "v_start", "kept"));
  CHECK(h.v_start == v_start::kept);
  CHECK(!set_hyper(h, "v_start", "eager").ok());
  CHECK(h.v_start == v_start::kept);
}

TEST(what_no_range_can_say) {
  hyper h = hyper_of({{"bias", "0"}, {"linear", "0"}});
  h.factors = 0;
  CHECK_EQ(check_hyper(h).code(), errc::invalid);
  CHECK_EQ(set_hyper(h, "lambda", "1").code(), errc::invalid);
}

TEST(a_trained_model_keeps_its_shape) {
  model m(hyper_of({{"factors", "4"}}), false);
  for (const char* fixed : {"factors", "seed", "hash_seed"}) {
    hyper h = m.hypers();
    CHECK_OK(set_hyper(h, fixed, "7"));
    const status refused = m.change_hyper(h);
    CHECK_EQ(refused.code(), errc::invalid);
    CHECK(refused.message().find(fixed) == 0);
  }
  hyper h = m.hypers();
  CHECK_OK(set_hyper(h, "l1", "3"));
  CHECK_OK(m.change_hyper(h));
  CHECK_EQ(m.update_rule().w.l1, 3.0f);
}

}  // namespace
}  // namespace fmtrain
