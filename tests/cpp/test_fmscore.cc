// The C door: what is promised in fmscore.h, as a host sees it.
#include "serve/fmscore.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "fmscore_host.h"

namespace fmtrain {
namespace {

TEST(scores_are_the_trained_models_bit_by_bit) {
  test_random draw(3);
  for (const char* const factors : {"0", "1", "4", "8", "13", "16", "20"}) {
    const std::unique_ptr<model> m = random_model(factors);
    host server(frozen_bytes(*m));
    // A look-up takes 512 features: fewer, and more than one item has.
    for (const size_t features : {0, 5, 60, 700}) {
      for (const size_t user : {0, 3, 100, 1030}) {
        const random_request request(draw, user, 37, features);
        std::vector<uint8_t> status;
        CHECK(same_bits(server.scores(request, &status), request.scores_of(*m)));
        CHECK(status == std::vector<uint8_t>(37, FMS_ITEM_OK));
      }
    }
    const fms_stats stats = server.stats();
    CHECK_EQ(stats.requests, 16u);
    CHECK_EQ(stats.scored, 16u * 37);
    CHECK(stats.unknown_features > stats.features / 20);
    CHECK(stats.unknown_features < stats.features / 2);
  }
}

TEST(the_item_cache_changes_the_last_digits_alone_and_hits_and_misses_agree) {
  test_random draw(4);
  for (const char* const factors : {"0", "3", "8"}) {
    const std::unique_ptr<model> m = random_model(factors);
    host plain(frozen_bytes(*m)), cached(frozen_bytes(*m), 1 << 20);
    const random_request request(draw, 50, 100, 30);
    const std::vector<float> expected = plain.scores(request);
    const std::vector<float> missed = cached.scores(request), hit = cached.scores(request);
    CHECK(same_bits(missed, hit));
    for (size_t i = 0; i < expected.size(); ++i) {
      CHECK_NEAR(static_cast<double>(missed[i]), static_cast<double>(expected[i]), 2e-5);
    }
    CHECK_EQ(cached.stats().cache_hits, 100u);
    CHECK_EQ(cached.stats().cache_misses, 100u);
    // Without the host's numbers nothing is kept.
    const fms_rows user = request.user_rows();
    fms_rows items = request.item_rows();
    items.item_ids = nullptr;
    std::vector<float> scores(100);
    CHECK_EQ(fms_request_begin(cached.context, &user), FMS_OK);
    CHECK_EQ(fms_score(cached.context, &items, 0, scores.data(), nullptr, nullptr), FMS_OK);
    CHECK_EQ(fms_request_end(cached.context), FMS_OK);
    CHECK(same_bits(scores, expected));
    CHECK_EQ(cached.stats().cache_hits, 100u);
  }
}

TEST(extra_features_come_behind_and_are_never_kept) {
  const std::unique_ptr<model> m = random_model("8");
  host plain(frozen_bytes(*m)), cached(frozen_bytes(*m), 1 << 20);
  test_random draw(5);
  random_request request(draw, 10, 20, 30);
  const random_request other(draw, 0, 20, 10);
  fms_rows items = request.item_rows();
  items.extra_ptr = other.ptr.data();
  items.extra_ids = other.id.data();
  items.extra_x = other.x.data();
  // The same as one row.
  random_request joined = request;
  joined.ptr = {0};
  joined.id.clear();
  joined.x.clear();
  for (size_t i = 0; i < 20; ++i) {
    for (const random_request* const part : {&std::as_const(request), &other}) {
      for (size_t f = part->ptr[i]; f < part->ptr[i + 1]; ++f) {
        joined.id.push_back(part->id[f]);
        joined.x.push_back(part->x[f]);
      }
    }
    joined.ptr.push_back(joined.id.size());
  }
  const std::vector<float> expected = joined.scores_of(*m);
  const fms_rows user = request.user_rows();
  std::vector<float> scores(20);
  CHECK_EQ(fms_request_begin(plain.context, &user), FMS_OK);
  CHECK_EQ(fms_score(plain.context, &items, 0, scores.data(), nullptr, nullptr), FMS_OK);
  CHECK(same_bits(scores, expected));
  CHECK_EQ(fms_request_begin(cached.context, &user), FMS_OK);
  for (int round = 0; round < 2; ++round) {
    CHECK_EQ(fms_score(cached.context, &items, 0, scores.data(), nullptr, nullptr), FMS_OK);
    for (size_t i = 0; i < 20; ++i) {
      CHECK_NEAR(static_cast<double>(scores[i]), static_cast<double>(expected[i]), 2e-5);
    }
    items.extra_ptr = nullptr;  // what was kept has none of them
    const std::vector<float> own = request.scores_of(*m);
    CHECK_EQ(fms_score(cached.context, &items, 0, scores.data(), nullptr, nullptr), FMS_OK);
    for (size_t i = 0; i < 20; ++i) {
      CHECK_NEAR(static_cast<double>(scores[i]), static_cast<double>(own[i]), 2e-5);
    }
    items.extra_ptr = other.ptr.data();
  }
}

TEST(a_deadline_leaves_the_first_items) {
  const std::unique_ptr<model> m = random_model("4");
  host server(frozen_bytes(*m));
  test_random draw(6);
  const random_request request(draw, 10, 100, 10);
  const fms_rows user = request.user_rows(), items = request.item_rows();
  CHECK_EQ(fms_request_begin(server.context, &user), FMS_OK);
  std::vector<float> scores(100, -99);
  std::vector<uint8_t> status(100, 99);
  uint64_t done = 99;
  CHECK_EQ(fms_score(server.context, &items, 1, scores.data(), status.data(), &done), FMS_PARTIAL);
  CHECK_EQ(done, 0u);
  CHECK(scores == std::vector<float>(100, -99));
  CHECK(status == std::vector<uint8_t>(100, FMS_ITEM_NOT_SCORED));
  CHECK_EQ(fms_score(server.context, &items, fms_now_ns() - 1, scores.data(), nullptr, nullptr),
           FMS_PARTIAL);
  const int64_t later = fms_now_ns() + 60000000000;
  CHECK_EQ(fms_score(server.context, &items, later, scores.data(), status.data(), &done), FMS_OK);
  CHECK_EQ(done, 100u);
  CHECK(same_bits(scores, request.scores_of(*m)));
  // A clock that runs out on the way: whole slices of 8.
  std::vector<uint64_t> many_ptr(1), many_id;
  for (int i = 0; i < 200000; ++i) {
    many_id.insert(many_id.end(), request.id.begin(), request.id.begin() + 50);
    many_ptr.push_back(many_id.size());
  }
  fms_rows many = items;
  many.rows = many_ptr.size() - 1;
  many.row_ptr = many_ptr.data();
  many.ids = many_id.data();
  many.x = nullptr;
  many.item_ids = nullptr;
  scores.assign(many.rows, -99);
  CHECK_EQ(fms_score(server.context, &many, fms_now_ns() + 300000, scores.data(), nullptr, &done),
           FMS_PARTIAL);
  CHECK_EQ(done % 8, 0u);
  CHECK(done < many.rows);
  CHECK(scores[done] == -99.0f && (done == 0 || scores[done - 1] != -99.0f));
  CHECK_EQ(server.stats().cut_off, 200 + many.rows - done);
}

TEST(numbers_that_are_none_give_the_prior) {
  const std::unique_ptr<model> m = random_model("4");
  const std::string bytes = frozen_bytes(*m);
  const double prior = open_bytes(bytes)->meta().prior;
  constexpr float inf = std::numeric_limits<float>::infinity();
  for (const uint64_t cache_bytes : {0, 1 << 20}) {
    host server(bytes, cache_bytes);
    test_random draw(7);
    random_request request(draw, 10, 20, 10);
    for (size_t i = 0; i < 20; ++i) CHECK(request.ptr[i] <= request.ptr[i + 1]);
    std::vector<size_t> hurt;
    for (const float bad : {inf, -inf, std::numeric_limits<float>::quiet_NaN(), 3e38f}) {
      size_t i = hurt.empty() ? 0 : hurt.back() + 1;
      while (request.ptr[i] == request.ptr[i + 1]) ++i;
      // A huge x alone is finite; its square is not, of a feature that the model knows.
      const size_t at = request.ptr[i];
      request.x[at] = bad;
      if (bad == 3e38f) request.id[at] = m->rows().rows() > 0 ? id_at(1) : 0;
      hurt.push_back(i);
    }
    std::vector<uint8_t> status;
    const std::vector<float> scores = server.scores(request, &status);
    const std::vector<float> expected = request.scores_of(*m);
    for (size_t i = 0; i < 20; ++i) {
      const bool fine = std::isfinite(expected[i]);
      CHECK_EQ(int{status[i]}, fine ? FMS_ITEM_OK : FMS_ITEM_NONFINITE);
      CHECK_EQ(fine, std::find(hurt.begin(), hurt.end(), i) == hurt.end());
      if (!fine) CHECK_EQ(scores[i], static_cast<float>(prior));
    }
    // What is not finite is not kept for the next request either.
    server.scores(request, &status);
    CHECK_EQ(int{status[hurt[0]]}, FMS_ITEM_NONFINITE);
    CHECK_EQ(server.stats().nonfinite, 2 * hurt.size());
  }
}

TEST(a_text_sample_and_its_explanation) {
  const std::unique_ptr<model> m = random_model("8");
  host server(frozen_bytes(*m));
  const std::string line = "1 f1:0.5 f2 f3:-2 never f4:0 # key";
  const float expected = predict(*m, line + "\n").score[0];
  float score = 0;
  CHECK_EQ(fms_score_text(server.context, line.data(), line.size(), &score), FMS_OK);
  CHECK_EQ(score, expected);
  check_error(fms_score_text(server.context, "1 a:x", 5, &score), FMS_EINVAL,
              "column 5: the value is not a decimal number");
  check_error(fms_score_text(server.context, "", 0, &score), FMS_EINVAL, "the line has no sample");

  const std::vector<uint64_t> ids = {id_of("f1"), id_of("f2"), id_of("f3"), id_of("never")};
  const std::vector<float> x = {0.5f, 1, -2, 1};
  const uint64_t user_ptr[] = {0, 2}, item_ptr[] = {2, 4};
  fms_rows user, item;
  FMS_INIT(user);
  user.rows = 1;
  user.row_ptr = user_ptr;
  user.ids = ids.data();
  user.x = x.data();
  item = user;
  item.row_ptr = item_ptr;
  CHECK_EQ(fms_request_begin(server.context, &user), FMS_OK);
  fms_term terms[4];
  uint64_t count = 0;
  double bias = 0, sum = 0;
  CHECK_EQ(fms_explain(server.context, &item, terms, 4, &count, &bias, &sum), FMS_OK);
  CHECK_EQ(count, 4u);
  double total = bias;
  for (size_t i = 0; i < 4; ++i) {
    CHECK_EQ(terms[i].id, ids[i]);
    CHECK_EQ(terms[i].x, x[i]);
    CHECK_EQ(terms[i].known, i < 3 ? 1 : 0);
    total += terms[i].linear + terms[i].pairwise;
  }
  CHECK_NEAR(total, sum, 1e-6);
  CHECK_EQ(static_cast<float>(sum), expected);
  CHECK_EQ(fms_explain(server.context, &item, terms, 1, &count, nullptr, nullptr), FMS_OK);
  CHECK_EQ(count, 4u);
}

TEST(a_request_finishes_on_the_model_that_it_began_with) {
  const std::unique_ptr<model> first = random_model("4", 1), second = random_model("8", 2);
  host server(frozen_bytes(*first));
  test_random draw(8);
  const random_request request(draw, 10, 30, 10);
  const fms_rows user = request.user_rows(), items = request.item_rows();
  CHECK_EQ(fms_request_begin(server.context, &user), FMS_OK);
  server.publish(frozen_bytes(*second));
  uint64_t waiting = 0;
  CHECK_EQ(fms_slot_reclaim(server.slot, &waiting), FMS_OK);
  CHECK_EQ(waiting, 1u);
  std::vector<float> scores(30);
  CHECK_EQ(fms_score(server.context, &items, 0, scores.data(), nullptr, nullptr), FMS_OK);
  CHECK(same_bits(scores, request.scores_of(*first)));
  fms_info info;
  FMS_INIT(info);
  CHECK_EQ(fms_request_info(server.context, &info), FMS_OK);
  CHECK_EQ(info.factors, 4u);
  CHECK_EQ(fms_request_end(server.context), FMS_OK);
  CHECK_EQ(server.stats().retired, 1u);
  CHECK_EQ(fms_slot_reclaim(server.slot, &waiting), FMS_OK);
  CHECK_EQ(waiting, 0u);
  CHECK(same_bits(server.scores(request), request.scores_of(*second)));
  CHECK_EQ(server.stats().published, 2u);
}

TEST(predictions_stand_behind_the_link) {
  const std::unique_ptr<model> m = random_model("0");
  host raw(frozen_bytes(*m)), linked(frozen_bytes(*m), 0, FMS_OUTPUT_PREDICTION);
  test_random draw(11);
  const random_request request(draw, 5, 20, 5);
  const std::vector<float> scores = raw.scores(request), predictions = linked.scores(request);
  for (size_t i = 0; i < 20; ++i) {
    CHECK_EQ(predictions[i], static_cast<float>(sigmoid(static_cast<double>(scores[i]))));
  }
}

TEST(the_library_says_what_it_is) {
  CHECK_EQ(fms_abi_version(), 0x10000u);
  CHECK_EQ(std::string(fms_build_info()).substr(0, 8), "fmscore ");
  CHECK_EQ(fms_hash("C1=a", 4, 7), id_of("C1=a", 7));
  for (int32_t code = FMS_PARTIAL; code >= FMS_ENOTFOUND; --code) {
    CHECK(std::string(fms_strerror(code)) != fms_strerror(99));
  }
}

}  // namespace
}  // namespace fmtrain
