// What tests of serving need: random models and requests, and serving files of them in memory.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "model/score.h"
#include "serve/fmscore.h"
#include "serve/freeze.h"
#include "serve/frozen.h"
#include "support.h"

namespace fmtrain {

constexpr uint64_t vocabulary = 5000;  // ids from here on are unknown to random_model's

inline uint64_t id_at(uint64_t i) { return id_of("f" + std::to_string(i)); }

// Trained on a few thousand samples of the vocabulary.
inline std::unique_ptr<model> random_model(const char* factors, uint64_t seed = 1) {
  auto m = std::make_unique<model>(hyper_of({{"factors", factors}, {"l1", "0.001"}}), false);
  test_random draw(seed);
  std::string text;
  for (int i = 0; i < 4000; ++i) {
    text += std::to_string(draw.below(2));
    for (int f = 0; f < 12; ++f) {
      text +=
          " f" + std::to_string(draw.below(vocabulary)) + ":" + std::to_string(draw.between(-2, 2));
    }
    text += "\n";
  }
  train(*m, text);
  return m;
}

inline std::string frozen_bytes(const model& m, precision p = precision::float32) {
  freeze_options how;
  how.precision = p;
  how.name = "test";
  how.version = "1";
  memory_sink sink;
  freeze_counts counts;
  CHECK_OK(freeze(m, how, sink, &counts));
  return sink.bytes;
}

inline std::unique_ptr<frozen> open_bytes(const std::string& bytes) {
  std::unique_ptr<frozen> file;
  CHECK_OK(
      frozen::open_memory(bytes.data(), bytes.size(), frozen::residence::copied, "test", &file));
  CHECK_OK(file->verify());
  return file;
}

// A user and items, by ids, with what points to them.
struct random_request {
  std::vector<uint64_t> user_ptr{0}, user_id, ptr{0}, id, item;
  std::vector<float> user_x, x;

  random_request(test_random& draw, size_t user_features, size_t items, size_t features) {
    for (size_t i = 0; i < user_features; ++i) {
      user_id.push_back(id_at(draw.below(vocabulary + vocabulary / 10)));
      user_x.push_back(static_cast<float>(draw.between(-2, 2)));
    }
    user_ptr.push_back(user_features);
    for (size_t i = 0; i < items; ++i) {
      item.push_back(draw.next());
      const size_t own = draw.below(features + 1);
      for (size_t f = 0; f < own; ++f) {
        id.push_back(id_at(draw.below(vocabulary + vocabulary / 10)));
        x.push_back(draw.below(20) == 0 ? 0.0f : static_cast<float>(draw.between(-2, 2)));
      }
      ptr.push_back(id.size());
    }
  }

  fms_rows user_rows() const {
    fms_rows rows;
    FMS_INIT(rows);
    rows.rows = 1;
    rows.row_ptr = user_ptr.data();
    rows.ids = user_id.data();
    rows.x = user_x.data();
    return rows;
  }
  fms_rows item_rows() const {
    fms_rows rows;
    FMS_INIT(rows);
    rows.rows = item.size();
    rows.row_ptr = ptr.data();
    rows.ids = id.data();
    rows.x = x.data();
    rows.item_ids = item.data();
    return rows;
  }

  // What the trained model scores, of the user's features and then the item's.
  std::vector<float> scores_of(const model& m) const {
    std::vector<float> scores;
    const sample_score score = score_of(m);
    for (size_t i = 0; i < item.size(); ++i) {
      batch in;
      in.reserve_features(user_id.size() + ptr[i + 1] - ptr[i]);
      for (size_t f = 0; f < user_id.size(); ++f) in.add_feature(user_id[f], user_x[f], {0, 0});
      for (size_t f = ptr[i]; f < ptr[i + 1]; ++f) {
        if (x[f] != 0) in.add_feature(id[f], x[f], {0, 0});
      }
      in.add_sample(0, 1, {}, 1);
      scores.push_back(score(in));
    }
    return scores;
  }
};

}  // namespace fmtrain
