// A model as it is scored: the serving file in memory, and finding rows in it. Immutable but for
// being verified once; shared by all threads; no lock, nothing allocated after opening.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "base/status.h"
#include "model/encoding.h"
#include "serve/calibration.h"
#include "serve/serving_file.h"

namespace fmtrain {

// Features are looked up so many at a time at most, that their cache misses overlap.
constexpr size_t lookup_max = 512;

class frozen {
 public:
  enum class residence : uint8_t { mapped, copied };

  // Checks the front, the table of sections and what is small; verify() does the rest.
  static status open(const std::string& path, residence how, std::unique_ptr<frozen>* out);
  // Mapped: the bytes, aligned to 64, outlive it. `name` is what messages call them.
  static status open_memory(const void* bytes, size_t size, residence how, const std::string& name,
                            std::unique_ptr<frozen>* out);
  ~frozen();
  frozen(const frozen&) = delete;
  frozen& operator=(const frozen&) = delete;

  // Of the whole file, 32 hex digits of any case; errc::checksum.
  status check_md5(std::string_view expected) const;
  // Checksums, order of ids, index, numbers finite, golden rows. Any thread, any number of times.
  status verify();
  bool verified() const { return verified_.load(std::memory_order_acquire); }

  const serving_meta& meta() const { return meta_; }
  const calibration& calibrated() const { return calibration_; }
  const encoder* plan() const { return encoded_.plan.get(); }  // nullptr: takes ids alone
  size_t factors() const { return meta_.factors; }
  uint64_t file_bytes() const { return memory_.size(); }

  // Weights of `count` features, lookup_max at most: w, then v (factors); rows[i] stays until the
  // next call with the same scratch, or as long as the model where it is float32. A feature without
  // a row has zeros. Returns how many have none; known (count), if not null, says which have one.
  // Only of a model that is verified: an index that lies would lead anywhere.
  struct scratch;
  size_t look_up(const uint64_t* id, size_t count, scratch& use, const float** rows,
                 bool* known = nullptr) const;

  // The row of an id, or none.
  static constexpr uint32_t none = 0xffffffff;
  uint32_t find(uint64_t id) const;

  const std::vector<golden_row>& golden() const { return golden_; }

 private:
  friend class frozen_reader;

  // The file's bytes, however they are held.
  class memory {
   public:
    memory() = default;
    ~memory();
    memory(const memory&) = delete;
    memory& operator=(const memory&) = delete;
    status map(int fd, size_t size, const std::string& name);
    status copy(int fd, size_t size, const std::string& name);
    void copy(const void* bytes, size_t size);
    void borrow(const void* bytes, size_t size);

    const char* data() const { return data_; }
    size_t size() const { return size_; }

   private:
    enum class kind : uint8_t { borrowed, mapped, pages };
    const char* data_ = nullptr;
    size_t size_ = 0;
    kind kind_ = kind::borrowed;
  };

  explicit frozen(std::string name) : name_(std::move(name)) {}

  status damaged(const std::string& what) const;
  status check_sections() const;
  status check_ids() const;
  status check_weights() const;

  const std::string name_;  // what messages call it
  memory memory_;
  std::vector<serving_format::section> sections_;
  serving_meta meta_;
  calibration calibration_;
  encoding encoded_;
  std::vector<golden_row> golden_;
  const uint32_t* index_ = nullptr;  // (meta_.buckets + 1)
  const uint64_t* ids_ = nullptr;    // (meta_.features + ids_behind)
  const char* weights_ = nullptr;
  std::atomic<bool> verified_{false};
};

// What looking up needs beside the model: one thread's, of any models.
struct frozen::scratch {
  explicit scratch(size_t factors = 0) { fit(factors); }
  // Before a model with so many factors is looked up in. Allocates where it grows.
  void fit(size_t factors) { decoded.reserve(lookup_max * (factors + 1)); }

  uint32_t first[lookup_max], last[lookup_max];  // of an id's bucket
  uint32_t row[lookup_max];
  buffer<float> decoded;  // (lookup_max, 1 + factors)
};

// The score of one sample, as golden rows want it. `m` is verified, or being verified, and outlives
// it.
sample_score score_of(const frozen& m);

}  // namespace fmtrain
