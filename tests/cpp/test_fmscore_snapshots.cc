// Snapshots through the C door: what was scored comes out again.
#include <cstring>
#include <limits>

#include "cache_support.h"
#include "snapshots_host.h"

namespace fmtrain {
namespace {

// What the request has of an item: the user's features, then the item's, but those of 0.
test_row row_of(const random_request& request, size_t item) {
  test_row row;
  for (size_t f = 0; f < request.user_id.size(); ++f) {
    row.emplace_back(request.user_id[f], request.user_x[f]);
  }
  for (size_t f = request.ptr[item]; f < request.ptr[item + 1]; ++f) {
    if (request.x[f] != 0) row.emplace_back(request.id[f], request.x[f]);
  }
  return row;
}

float score_of_row(const test_row& row) {
  batch in;
  in.reserve_features(row.size());
  for (const auto& [id, x] : row) in.add_feature(id, x, {0, 0});
  in.add_sample(0, 1, {}, 1);
  return score_of(the_model())(in);
}

TEST(what_comes_out_is_what_was_scored) {
  test_random draw(1);
  recording_host server;
  snapshot_store snapshots;
  const random_request request(draw, 20, 100, 15);
  server.begin(request);
  const std::vector<float> scores = server.score(request.item_rows());
  CHECK_EQ(snapshots.keep(server, "request"), FMS_OK);
  server.end();
  const std::vector<size_t> shown = {42, 7, 99, 7, 0};
  const float labels[] = {0, 1, 0.5f, 0, 1};
  std::vector<uint64_t> items;
  for (const size_t i : shown) items.push_back(request.item[i]);
  std::vector<taken_sample> got;
  CHECK_EQ(snapshots.take("request", items, &got, labels), FMS_OK);
  CHECK_EQ(got.size(), shown.size());
  for (size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i] == (taken_sample{items[i], labels[i], row_of(request, shown[i])}));
    const float again = score_of_row(got[i].features);
    CHECK_EQ(std::memcmp(&again, &scores[shown[i]], sizeof again), 0);
  }
}

TEST(all_batches_of_a_request_are_kept_and_of_this_request_alone) {
  test_random draw(2);
  recording_host server;
  snapshot_store snapshots;
  const random_request before(draw, 3, 10, 5), first(draw, 3, 10, 5), second(draw, 9, 10, 5);
  server.begin(before);
  server.score(before.item_rows());
  server.end();
  server.begin(first);
  server.score(first.item_rows());
  server.score(second.item_rows());
  CHECK_EQ(snapshots.keep(server, "r"), FMS_OK);
  server.end();
  std::vector<taken_sample> got;
  CHECK_EQ(snapshots.take("r", {first.item[9], before.item[0], second.item[0]}, &got), FMS_OK);
  CHECK_EQ(got.size(), 2u);
  CHECK_EQ(got[0].item, first.item[9]);
  CHECK_EQ(got[1].item, second.item[0]);
}

TEST(items_without_a_score_of_their_own_are_not_kept) {
  test_random draw(3);
  recording_host server;
  snapshot_store snapshots;
  random_request request(draw, 3, 3, 4);
  request.id = {1, 2, 3};
  request.x = {1, std::numeric_limits<float>::infinity(), 1};
  request.ptr = {0, 1, 2, 3};
  server.begin(request);
  server.score(request.item_rows());
  CHECK_EQ(snapshots.keep(server, "r"), FMS_OK);
  server.end();
  std::vector<taken_sample> got;
  CHECK_EQ(snapshots.take("r", request.item, &got), FMS_OK);
  CHECK_EQ(got.size(), 2u);
  CHECK_EQ(got[0].item, request.item[0]);
  CHECK_EQ(got[1].item, request.item[2]);
}

TEST(statistics_are_counted) {
  test_random draw(4);
  recording_host server;
  snapshot_store snapshots;
  const random_request request(draw, 3, 10, 5);
  server.begin(request);
  server.score(request.item_rows());
  for (const char* id : {"a", "b", "b"}) CHECK_EQ(snapshots.keep(server, id), FMS_OK);
  server.end();
  std::vector<taken_sample> got;
  CHECK_EQ(snapshots.take("a", {}, &got), FMS_OK);
  const fms_snapshots_stats now = snapshots.stats();
  CHECK_EQ(now.requests, 1u);
  CHECK(now.bytes > 8 * request.id.size() && now.bytes < 20 * request.id.size() + 1000);
  CHECK_EQ(now.kept, 3u);
  CHECK_EQ(now.taken, 1u);
  CHECK_EQ(now.expired, 0u);
  CHECK_EQ(now.evicted, 0u);
}

TEST(the_age_is_that_of_the_clock) {
  test_random draw(5);
  recording_host server;
  snapshot_store snapshots(1);
  const random_request request(draw, 3, 3, 5);
  server.begin(request);
  server.score(request.item_rows());
  CHECK_EQ(snapshots.keep(server, "r"), FMS_OK);
  server.end();
  const int64_t kept = fms_now_ns();
  while (fms_now_ns() <= kept + 1) {
  }
  std::vector<taken_sample> got;
  CHECK_EQ(snapshots.take("r", {}, &got), FMS_ENOTFOUND);
  CHECK_EQ(snapshots.stats().expired, 1u);
}

struct nested {
  fms_snapshots* held;
  uint64_t item;
  int calls;
};

// The callback takes another request of the same store, and then ends the taking.
int32_t take_another(const fms_snapshot*, void* user) {
  auto* const all = static_cast<nested*>(user);
  if (++all->calls > 1) return 1;
  const uint64_t shown[] = {all->item, all->item, all->item};
  uint64_t found = 0;
  CHECK_EQ(fms_snapshots_take(all->held, "b", 1, shown, nullptr, 3, &take_another, user, &found),
           FMS_OK);
  CHECK_EQ(found, 1u);
  return 0;
}

TEST(a_callback_may_use_the_snapshots_and_may_end_it) {
  test_random draw(6);
  recording_host server;
  snapshot_store snapshots;
  const random_request request(draw, 3, 3, 5);
  server.begin(request);
  server.score(request.item_rows());
  for (const char* id : {"a", "b"}) CHECK_EQ(snapshots.keep(server, id), FMS_OK);
  server.end();
  nested all{snapshots.held, request.item[0], 0};
  uint64_t found = 0;
  CHECK_EQ(fms_snapshots_take(snapshots.held, "a", 1, request.item.data(), nullptr, 3,
                              &take_another, &all, &found),
           FMS_OK);
  CHECK_EQ(all.calls, 3);
  CHECK_EQ(found, 2u);
  CHECK_EQ(snapshots.stats().requests, 0u);
}

TEST(shown_items_become_a_cache) {
  test_random draw(7);
  const temporary_folder folder;
  const std::string path = folder.path("shown");
  recording_host server;
  snapshot_store snapshots;
  fms_sample_file* file = nullptr;
  CHECK_EQ(fms_sample_file_create(path.c_str(), 3, &file), FMS_OK);
  std::vector<test_row> rows;
  std::vector<std::string> keys;
  for (const char* id : {"first", "second"}) {
    const random_request request(draw, 5, 10, 8);
    server.begin(request);
    server.score(request.item_rows());
    CHECK_EQ(snapshots.keep(server, id), FMS_OK);
    server.end();
    const float labels[] = {1, 1, 0};
    uint64_t found = 0;
    CHECK_EQ(snapshots.take_to(file, id, {request.item[4], ~request.item[4], request.item[2]},
                               labels, &found),
             FMS_OK);
    CHECK_EQ(found, 2u);
    for (const size_t i : {4, 2}) {
      rows.push_back(row_of(request, i));
      keys.push_back(std::string(id) + " " + std::to_string(request.item[i]));
    }
  }
  CHECK_EQ(fms_sample_file_close(file), FMS_OK);
  read_options options;
  options.parsing.hash_seed = 3;
  const std::vector<seen_sample> got = samples_of(read_file(path), options);
  CHECK_EQ(got.size(), rows.size());
  for (size_t i = 0; i < got.size(); ++i) {
    CHECK_EQ(got[i].key, keys[i]);
    CHECK_EQ(got[i].label, i % 2 == 0 ? 1.0f : 0.0f);
    test_row row;
    for (const auto& [feature, x, name] : got[i].features) row.emplace_back(feature, x);
    CHECK(row == rows[i]);
  }
}

TEST(a_file_that_is_discarded_never_was) {
  const temporary_folder folder;
  fms_sample_file* file = nullptr;
  CHECK_EQ(fms_sample_file_create(folder.path("shown").c_str(), 0, &file), FMS_OK);
  CHECK_EQ(fms_sample_file_discard(file), FMS_OK);
  CHECK(folder.names().empty());
  CHECK_EQ(fms_sample_file_discard(nullptr), FMS_OK);
}

}  // namespace
}  // namespace fmtrain
