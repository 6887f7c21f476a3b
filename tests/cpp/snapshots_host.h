// Snapshots as a host has them, through the C door.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "serve/fmscore.h"
#include "serve_support.h"
#include "snapshots_support.h"

namespace fmtrain {

inline const model& the_model() {
  static const std::unique_ptr<model> m = random_model("4");
  return *m;
}

// A slot with the model, and a context on it that records.
struct recording_host {
  fms_slot* slot = nullptr;
  fms_context* context = nullptr;

  explicit recording_host(bool record = true) {
    static const std::string bytes = frozen_bytes(the_model());
    fms_open_options how;
    FMS_INIT(how);
    how.flags = FMS_OPEN_COPY;
    fms_model* opened = nullptr;
    CHECK_EQ(fms_model_open_memory(bytes.data(), bytes.size(), &how, &opened), FMS_OK);
    CHECK_EQ(fms_slot_create(nullptr, &slot), FMS_OK);
    CHECK_EQ(fms_slot_publish(slot, opened), FMS_OK);
    CHECK_EQ(fms_model_release(opened), FMS_OK);
    fms_context_options options;
    FMS_INIT(options);
    options.record = record ? 1 : 0;
    CHECK_EQ(fms_context_create(slot, &options, &context), FMS_OK);
  }
  ~recording_host() {
    CHECK_EQ(fms_context_destroy(context), FMS_OK);
    CHECK_EQ(fms_slot_destroy(slot), FMS_OK);
  }
  recording_host(const recording_host&) = delete;
  recording_host& operator=(const recording_host&) = delete;

  void begin(const random_request& of) {
    const fms_rows user = of.user_rows();
    CHECK_EQ(fms_request_begin(context, &user), FMS_OK);
  }
  std::vector<float> score(const fms_rows& items, int64_t deadline_ns = 0) {
    std::vector<float> scores(items.rows);
    const int32_t code = fms_score(context, &items, deadline_ns, scores.data(), nullptr, nullptr);
    CHECK_EQ(code, deadline_ns == 0 ? FMS_OK : FMS_PARTIAL);
    return scores;
  }
  void end() { CHECK_EQ(fms_request_end(context), FMS_OK); }
};

struct snapshot_store {
  fms_snapshots* held = nullptr;

  explicit snapshot_store(int64_t max_age_ns = 0) {
    fms_snapshots_options options;
    FMS_INIT(options);
    options.max_bytes = 1 << 20;
    options.max_age_ns = max_age_ns;
    CHECK_EQ(fms_snapshots_create(&options, &held), FMS_OK);
  }
  ~snapshot_store() { CHECK_EQ(fms_snapshots_destroy(held), FMS_OK); }
  snapshot_store(const snapshot_store&) = delete;
  snapshot_store& operator=(const snapshot_store&) = delete;

  int32_t keep(const recording_host& of, std::string_view id) {
    return fms_snapshots_keep(held, of.context, id.data(), id.size());
  }
  int32_t take(std::string_view id, const std::vector<uint64_t>& shown,
               std::vector<taken_sample>* out, const float* labels = nullptr) {
    uint64_t found = 99;
    out->clear();
    const int32_t code = fms_snapshots_take(held, id.data(), id.size(), shown.data(), labels,
                                            shown.size(), &add_to, out, &found);
    CHECK_EQ(found, out->size());
    return code;
  }
  int32_t take_to(fms_sample_file* file, std::string_view id, const std::vector<uint64_t>& shown,
                  const float* labels, uint64_t* found) {
    return fms_snapshots_take_to_file(held, id.data(), id.size(), shown.data(), labels,
                                      shown.size(), file, found);
  }
  fms_snapshots_stats stats() {
    fms_snapshots_stats now;
    FMS_INIT(now);
    CHECK_EQ(fms_snapshots_get_stats(held, &now), FMS_OK);
    return now;
  }

 private:
  static int32_t add_to(const fms_snapshot* s, void* user) {
    CHECK_EQ(s->struct_size, sizeof(fms_snapshot));
    taken_sample sample{s->item_id, s->label, {}};
    for (uint64_t i = 0; i < s->features; ++i) sample.features.emplace_back(s->ids[i], s->x[i]);
    static_cast<std::vector<taken_sample>*>(user)->push_back(sample);
    return 0;
  }
};

inline void check_error(int32_t code, int32_t expected, const std::string& message) {
  CHECK_EQ(code, expected);
  CHECK_EQ(std::string(fms_last_error()), message);
}

}  // namespace fmtrain
