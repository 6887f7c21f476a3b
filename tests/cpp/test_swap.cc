// Models come and go while eight threads score: every request is scored by one model, whole, and
// memory returns to its level.
#include <fstream>
#include <thread>

#include "serve_support.h"

namespace fmtrain {
namespace {

constexpr size_t items = 24;

uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t pages = 0;
  file >> pages >> pages;
  return pages * 4096;
}

fms_model* opened(const std::string& bytes) {
  fms_open_options how;
  FMS_INIT(how);
  how.flags = FMS_OPEN_COPY;
  fms_model* model = nullptr;
  CHECK_EQ(fms_model_open_memory(bytes.data(), bytes.size(), &how, &model), FMS_OK);
  return model;
}

std::vector<float> score(fms_context* context, const random_request& request) {
  const fms_rows user = request.user_rows(), rows = request.item_rows();
  std::vector<float> scores(items);
  CHECK_EQ(fms_request_begin(context, &user), FMS_OK);
  CHECK_EQ(fms_score(context, &rows, 0, scores.data(), nullptr, nullptr), FMS_OK);
  CHECK_EQ(fms_request_end(context), FMS_OK);
  return scores;
}

// What each request scores by a model alone.
std::vector<std::vector<float>> scores_by(const std::string& bytes, uint64_t cache_bytes,
                                          const std::vector<random_request>& requests) {
  fms_slot_options how;
  FMS_INIT(how);
  how.item_cache_bytes = cache_bytes;
  fms_slot* slot = nullptr;
  fms_context* context = nullptr;
  CHECK_EQ(fms_slot_create(&how, &slot), FMS_OK);
  fms_model* const model = opened(bytes);
  CHECK_EQ(fms_slot_publish(slot, model), FMS_OK);
  CHECK_EQ(fms_model_release(model), FMS_OK);
  CHECK_EQ(fms_context_create(slot, nullptr, &context), FMS_OK);
  std::vector<std::vector<float>> all;
  for (const random_request& request : requests) all.push_back(score(context, request));
  CHECK_EQ(fms_context_destroy(context), FMS_OK);
  CHECK_EQ(fms_slot_destroy(slot), FMS_OK);
  return all;
}

void publish_under_load(uint64_t cache_bytes, int swaps) {
  const std::string files[] = {frozen_bytes(*random_model("4", 1)),
                               frozen_bytes(*random_model("8", 2), precision::float16)};
  test_random draw(3);
  std::vector<random_request> requests;
  for (int i = 0; i < 16; ++i) {
    requests.emplace_back(draw, 10, items, 10);
    // The same items again and again, a few more than the cache holds; item i's features are i's.
    if (i == 0) continue;
    requests[i].item = requests[i % 8].item;
    requests[i].ptr = requests[i % 8].ptr;
    requests[i].id = requests[i % 8].id;
    requests[i].x = requests[i % 8].x;
  }
  const std::vector<std::vector<float>> expected[] = {scores_by(files[0], cache_bytes, requests),
                                                      scores_by(files[1], cache_bytes, requests)};
  fms_slot_options how;
  FMS_INIT(how);
  how.item_cache_bytes = cache_bytes;
  fms_slot* slot = nullptr;
  CHECK_EQ(fms_slot_create(&how, &slot), FMS_OK);
  const auto publish = [&](int i) {
    fms_model* const model = opened(files[i % 2]);
    CHECK_EQ(fms_slot_publish(slot, model), FMS_OK);
    CHECK_EQ(fms_model_release(model), FMS_OK);
  };
  publish(0);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> by[2] = {};
  std::vector<std::thread> servers;
  for (int t = 0; t < 8; ++t) {
    servers.emplace_back([&, t] {
      fms_context* context = nullptr;
      CHECK_EQ(fms_context_create(slot, nullptr, &context), FMS_OK);
      for (uint64_t round = 0; !stop; ++round) {
        const size_t i = (round + t) % requests.size();
        const std::vector<float> scores = score(context, requests[i]);
        const bool first = scores == expected[0][i], second = scores == expected[1][i];
        CHECK(first || second);
        ++by[first ? 0 : 1];
        // Contexts come and go, too.
        if (round % 64 != 0) continue;
        CHECK_EQ(fms_context_destroy(context), FMS_OK);
        CHECK_EQ(fms_context_create(slot, nullptr, &context), FMS_OK);
      }
      CHECK_EQ(fms_context_destroy(context), FMS_OK);
    });
  }
  uint64_t level = 0;
  for (int i = 1; i <= swaps; ++i) {
    publish(i);
    if (i == swaps / 4) level = resident_bytes();
  }
  // Each model was there while somebody asked.
  while (by[0] == 0 || by[1] == 0) publish(by[0] == 0 ? 0 : 1);
  stop = true;
  for (std::thread& server : servers) server.join();
  uint64_t waiting = 9;
  CHECK_EQ(fms_slot_reclaim(slot, &waiting), FMS_OK);
  CHECK_EQ(waiting, 0u);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  // A model of these takes 0.5 MB: one that leaked a swap would be hundreds.
  CHECK(resident_bytes() < level + (uint64_t{64} << 20));
#else
  CHECK(level > 0);
#endif
  fms_stats stats;
  FMS_INIT(stats);
  CHECK_EQ(fms_slot_stats(slot, &stats), FMS_OK);
  CHECK_EQ(stats.scored, items * (by[0] + by[1]));
  CHECK_EQ(stats.requests, by[0] + by[1]);
  CHECK_EQ(stats.cache_hits + stats.cache_misses, cache_bytes == 0 ? 0 : stats.scored);
  CHECK(cache_bytes == 0 || stats.cache_hits > 0);
  CHECK_EQ(fms_slot_destroy(slot), FMS_OK);
}

TEST(a_thousand_models_under_load) { publish_under_load(0, 1000); }

TEST(a_thousand_models_under_load_with_an_item_cache_that_churns) {
  publish_under_load(8 << 10, 1000);
}

}  // namespace
}  // namespace fmtrain
