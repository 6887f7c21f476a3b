// The place where the current model hangs. Publishing exchanges a pointer; a reader holds what it
// points to by writing down which one it uses (a hazard pointer: Michael, IEEE TPDS 15(6), 2004).
// So neither waits for the other, and what was replaced is freed by whoever publishes, once nobody
// has it written down.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "serve/frozen.h"
#include "serve/item_cache.h"

namespace fmtrain {

struct loaded_model {
  std::unique_ptr<frozen> file;
  uint64_t serial = 0;  // of this process
};

// A model in its time in a slot.
struct publication {
  std::shared_ptr<const loaded_model> model;
  std::unique_ptr<item_cache> items;  // nullptr: there is none
  uint64_t number = 0;                // differs for all of the slot's
};

// What is counted of a slot's requests.
enum class tally : uint8_t {
  requests,
  scored,
  cut_off,
  nonfinite,
  bad_rows,
  features,
  unknown_features,
  cache_hits,
  cache_misses
};
constexpr size_t tallies = static_cast<size_t>(tally::cache_misses) + 1;

class slot {
 public:
  explicit slot(uint64_t item_cache_bytes) : item_cache_bytes_(item_cache_bytes) {}
  ~slot();

  // One thread's way to the current model. On its own cache lines: readers never meet.
  class alignas(64) reader {
   public:
    // `of` outlives it.
    explicit reader(slot& of);
    ~reader();
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;

    // The current model, there until release(); nullptr: nothing was published. Lock-free: it tries
    // again only when a model was published meanwhile.
    const publication* hold();
    void release() { held_.store(nullptr, std::memory_order_release); }
    // By the reader's thread alone.
    void count(tally what, uint64_t more) {
      std::atomic<uint64_t>& sum = counts_[static_cast<size_t>(what)];
      sum.store(sum.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    }

   private:
    friend class slot;
    slot& slot_;
    std::atomic<const publication*> held_{nullptr};
    std::atomic<uint64_t> counts_[tallies] = {};
  };

  // errc::state: a model that was not verified, or a slot that was closed. Any thread.
  status publish(std::shared_ptr<const loaded_model> model);
  // Frees what was replaced and nobody holds; how many are still held.
  uint64_t reclaim();
  // nullptr: nothing was published.
  std::shared_ptr<const loaded_model> current() const;
  // No model is given out from here on.
  void close();
  bool closed() const { return closed_.load(std::memory_order_acquire); }

  struct counts {
    uint64_t of[tallies] = {};
    uint64_t published = 0, retired = 0;
  };
  counts count() const;

 private:
  using publications = std::vector<std::unique_ptr<const publication>>;
  // Takes those that nobody holds out of retired_. Under lock_.
  publications take_unheld();

  const uint64_t item_cache_bytes_;
  std::atomic<const publication*> current_{nullptr};
  std::atomic<bool> closed_{false};
  mutable std::mutex lock_;  // guards what follows; no reader takes it to hold or release
  std::vector<reader*> readers_;
  publications retired_;
  uint64_t gone_counts_[tallies] = {};  // of readers that are no more
  uint64_t published_ = 0;
};

}  // namespace fmtrain
