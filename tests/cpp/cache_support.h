// What the tests of the input cache share: samples as they came out of a stream, caches made of
// text, and a cache's layout written down a second time.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "feature/cache_writer.h"
#include "support.h"

namespace fmtrain {

struct seen_sample {
  std::string source;
  uint64_t line;
  float label, weight;
  std::string key;
  std::vector<std::tuple<uint64_t, float, std::string>> features;

  bool operator==(const seen_sample& o) const {
    return std::tie(source, line, label, weight, key, features) ==
           std::tie(o.source, o.line, o.label, o.weight, o.key, o.features);
  }
};

// Keeps every sample, in input order.
class sample_recorder : public batch_consumer {
 public:
  bool names = true;  // keep names and sources, too

  status consume(size_t, uint64_t order, const batch_source& source, batch& in) override {
    std::vector<seen_sample> got;
    for (size_t s = 0; s < in.samples; ++s) {
      got.push_back({names ? source.name() : "",
                     in.line[s],
                     in.label[s],
                     in.weight[s],
                     std::string(in.key[s]),
                     {}});
      for (uint32_t i = in.begin[s]; i < in.begin[s + 1]; ++i) {
        const std::string name = names ? std::string(in.name_of(i)) : "";
        got.back().features.emplace_back(in.id[i], in.x[i], name);
        if (in.dictionary == nullptr) continue;
        CHECK(in.local[i] < in.dictionary->size);
        CHECK_EQ(in.dictionary->id[in.local[i]], in.id[i]);
      }
    }
    const std::lock_guard<std::mutex> hold(lock_);
    std::vector<seen_sample>& all = by_order_[order];
    all.insert(all.end(), got.begin(), got.end());
    return {};
  }
  status finish_source(size_t, uint64_t) override { return {}; }

  std::vector<seen_sample> all() const {
    std::vector<seen_sample> joined;
    for (const auto& [order, part] : by_order_) {
      joined.insert(joined.end(), part.begin(), part.end());
    }
    return joined;
  }

 private:
  std::mutex lock_;
  std::map<uint64_t, std::vector<seen_sample>> by_order_;
};

// Feeds in pieces; the first status that is not fine.
inline status feed_pieces(sample_stream& stream, std::string_view bytes, size_t piece,
                          const char* name = "test") {
  stream.begin(name);
  for (size_t at = 0; at < bytes.size() && !stream.stopped();) {
    size_t taken = 0;
    const size_t size = std::min(piece, bytes.size() - at);
    FMTRAIN_TRY(stream.feed(bytes.data() + at, size, std::chrono::seconds(1), &taken));
    at += taken;
  }
  return stream.end();
}

struct read_options {
  parse_options parsing = {};
  size_t threads = 1;
  size_t piece = SIZE_MAX;
  bool names = true;
  uint32_t shard = 0, shards = 1;
};

// Text or a cache as samples.
inline status read_samples(std::string_view bytes, const read_options& options,
                           std::vector<seen_sample>* out) {
  sample_recorder seen;
  seen.names = options.names;
  sample_stream stream(options.threads, options.parsing, seen);
  stream.take_shard(options.shard, options.shards);
  const status fed = feed_pieces(stream, bytes, options.piece);
  const status finished = stream.finish();
  *out = seen.all();
  return fed.ok() ? finished : fed;
}

inline std::vector<seen_sample> samples_of(std::string_view bytes,
                                           const read_options& options = {}) {
  std::vector<seen_sample> all;
  CHECK_OK(read_samples(bytes, options, &all));
  return all;
}

// Sources as a cache names them: "FILE (SOURCE)".
inline std::vector<seen_sample> from_cache(std::vector<seen_sample> samples) {
  for (seen_sample& s : samples) s.source = "test (" + s.source + ")";
  return samples;
}

// The bytes of the cache of some text.
inline std::string packed(std::string_view text, size_t threads = 1, codec packing = codec::lz4,
                          bool names = true, uint32_t hash_seed = 0) {
  const temporary_folder folder;
  parse_options parsing;
  parsing.names = names;
  parsing.hash_seed = hash_seed;
  packer pack(threads, parsing);
  cache_writer writer(threads, {hash_seed, names, packing});
  CHECK_OK(writer.open(folder.path("cache")));
  writer.follow(pack.input());
  feed_all(pack.input(), text);
  CHECK_OK(pack.finish());
  CHECK_OK(writer.commit());
  const std::string bytes = read_file(folder.path("cache"));
  CHECK_EQ(writer.totals().bytes, bytes.size());
  return bytes;
}

}  // namespace fmtrain
