// A host of the C ABI, as tests have one.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "serve_support.h"

namespace fmtrain {

// A model in a slot with a context, as a host has them.
struct host {
  fms_slot* slot = nullptr;
  fms_context* context = nullptr;

  explicit host(const std::string& bytes, uint64_t cache_bytes = 0,
                int32_t output = FMS_OUTPUT_SCORE) {
    fms_slot_options slots;
    FMS_INIT(slots);
    slots.item_cache_bytes = cache_bytes;
    CHECK_EQ(fms_slot_create(&slots, &slot), FMS_OK);
    if (!bytes.empty()) publish(bytes);
    fms_context_options how;
    FMS_INIT(how);
    how.output = output;
    CHECK_EQ(fms_context_create(slot, &how, &context), FMS_OK);
  }
  ~host() {
    fms_context_destroy(context);
    if (slot != nullptr) CHECK_EQ(fms_slot_destroy(slot), FMS_OK);
  }
  host(const host&) = delete;
  host& operator=(const host&) = delete;

  void publish(const std::string& bytes) {
    fms_model* model = nullptr;
    fms_open_options how;
    FMS_INIT(how);
    how.flags = FMS_OPEN_COPY;
    CHECK_EQ(fms_model_open_memory(bytes.data(), bytes.size(), &how, &model), FMS_OK);
    CHECK_EQ(fms_slot_publish(slot, model), FMS_OK);
    CHECK_EQ(fms_model_release(model), FMS_OK);
  }
  fms_stats stats() const {
    fms_stats now;
    FMS_INIT(now);
    CHECK_EQ(fms_slot_stats(slot, &now), FMS_OK);
    return now;
  }
  std::vector<float> scores(const random_request& of, std::vector<uint8_t>* status = nullptr) {
    const fms_rows user = of.user_rows(), items = of.item_rows();
    std::vector<float> scores(items.rows, -99);
    std::vector<uint8_t> states(items.rows, 99);
    uint64_t done = 99;
    CHECK_EQ(fms_request_begin(context, &user), FMS_OK);
    CHECK_EQ(fms_score(context, &items, 0, scores.data(), states.data(), &done), FMS_OK);
    CHECK_EQ(fms_request_end(context), FMS_OK);
    CHECK_EQ(done, items.rows);
    if (status != nullptr) *status = states;
    return scores;
  }
};

inline void check_error(int32_t code, int32_t expected, const std::string& message) {
  CHECK_EQ(code, expected);
  CHECK_EQ(std::string(fms_last_error()), message);
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace fmtrain
