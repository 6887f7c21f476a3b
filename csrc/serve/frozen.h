// A model as it is scored: the serving file in memory, and finding rows in it. Immutable but for
// being verified once; shared by all threads; no lock, nothing allocated after opening.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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
  size_t golden_rows() const { return golden_.size(); }
  size_t factors() const { return factors_; }
  uint64_t file_bytes() const { return size_; }

  // Weights of `count` features, lookup_max at most: w, then v (factors); rows[i] stays until the
  // next call with the same scratch, or as long as the model where it is float32. A feature without
  // a row has zeros. Returns how many have none; known (count), if not null, says which.
  struct scratch;
  size_t look_up(const uint64_t* id, size_t count, scratch& use, const float** rows) const;

  // The row of an id, or none.
  static constexpr uint32_t none = 0xffffffff;
  uint32_t find(uint64_t id) const;
};

}  // namespace fmtrain
