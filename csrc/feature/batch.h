// A few dozen samples as numbers, owned by one worker and filled again and again: what every
// source (text lines, matrices) turns into and all that a learner ever sees of the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fmtrain {

struct name_ref {
  uint32_t at;    // offset into batch::text
  uint32_t size;  // bytes
};

// The distinct features of a block of an input cache.
struct feature_dictionary {
  const uint64_t* id = nullptr;  // (size)
  size_t size = 0;
};

struct batch {
  // A batch closes at whichever comes first. 32 samples of 40 features are about 80 KB of table
  // lines in flight: more than L1, well inside L2.
  static constexpr size_t samples_max = 32;
  static constexpr size_t features_max = 2048;

  size_t samples = 0;
  size_t features = 0;

  // One entry a sample.
  std::vector<float> label;           // (samples), probability of a click in [0, 1]
  std::vector<float> weight;          // (samples), >= 0
  std::vector<std::string_view> key;  // (samples), empty when the line has none
  std::vector<uint64_t> line;         // (samples), 1-based line or row number in its source
  std::vector<uint32_t> begin;  // (samples + 1), sample i owns features [begin[i], begin[i+1])

  // One entry a feature.
  std::vector<uint64_t> id;    // (features)
  std::vector<float> x;        // (features), finite, never 0
  std::vector<name_ref> name;  // (features)

  // What the names point into; outlives the batch. nullptr: there are none, `name` is not filled.
  const char* text = nullptr;
  // Where `text` points when the source made the names itself. Moves with the batch.
  std::vector<char> made;

  // Where the source has numbered its features (a block of an input cache): those that occur, the
  // same for all batches of the source, and which one each feature is. Otherwise nullptr, and
  // `local` is not filled.
  const feature_dictionary* dictionary = nullptr;
  std::vector<uint32_t> local;  // (features), index into dictionary->id

  std::vector<uint64_t> separators;  // the parser's, of the line in hand

  batch() : label(samples_max), weight(samples_max), key(samples_max), line(samples_max) {
    begin.assign(samples_max + 1, 0);
    reserve_features(features_max);
  }

  bool full() const { return samples == samples_max || features >= features_max; }

  void clear() {
    samples = features = 0;
    dictionary = nullptr;
    made.clear();
  }

  // Room for `more` features behind those that are there.
  void reserve_features(size_t more) {
    if (features + more <= id.size()) return;
    const size_t size = features + more + features_max;
    id.resize(size);
    x.resize(size);
    name.resize(size);
  }

  void add_feature(uint64_t feature_id, float value, name_ref feature_name) {
    id[features] = feature_id;
    x[features] = value;
    name[features] = feature_name;
    ++features;
  }

  // Closes the sample whose features were added since the last call.
  void add_sample(float sample_label, float sample_weight, std::string_view sample_key,
                  uint64_t line_number) {
    label[samples] = sample_label;
    weight[samples] = sample_weight;
    key[samples] = sample_key;
    line[samples] = line_number;
    ++samples;
    begin[samples] = static_cast<uint32_t>(features);
  }

  // Forgets features added since the last sample: the line turned out bad.
  void drop_open_sample() { features = begin[samples]; }

  std::string_view name_of(size_t feature) const {
    if (text == nullptr) return {};
    return {text + name[feature].at, name[feature].size};
  }
};

// Whatever can be turned into samples: a chunk of text, a slice of a matrix. Workers pull batches
// from it.
class batch_source {
 public:
  virtual ~batch_source() = default;
  // Fills the cleared batch. False when there is nothing left.
  virtual bool fill(batch& out) = 0;
  // What messages call it: a path, "stdin", "X".
  virtual const std::string& name() const = 0;
  // A line's own bytes, for the side file; empty where the source is not text.
  virtual std::string_view line_at(uint64_t line) const = 0;
};

}  // namespace fmtrain
