// A bounded queue and the threads that empty it. One direction: the caller pushes, workers run. The
// first error stops everybody and is handed over at finish(), after the join.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/status.h"

namespace fmtrain {

template <class Item>
class worker_pool {
 public:
  // `run(worker, item)` is called on `threads` threads, worker in [0, threads).
  using run_function = std::function<status(size_t worker, Item item)>;

  worker_pool(size_t threads, size_t queue_items_max, run_function run)
      : run_(std::move(run)), queue_items_max_(queue_items_max) {
    try {
      threads_.reserve(threads);
      for (size_t worker = 0; worker < threads; ++worker) {
        threads_.emplace_back([this, worker] { work(worker); });
      }
    } catch (...) {
      // The system has no more threads: those that run must end before they are destroyed.
      stop();
      join();
      throw;
    }
  }

  ~worker_pool() {
    stop();
    join();
  }

  // Takes the item unless the queue stays full for `wait`. After an error or a stop it takes and
  // drops everything, so a caller that pushes never hangs.
  bool push(Item& item, std::chrono::milliseconds wait) {
    std::unique_lock<std::mutex> hold(lock_);
    const bool room =
        room_.wait_for(hold, wait, [this] { return stopped_ || queue_.size() < queue_items_max_; });
    if (!room) return false;
    if (!stopped_) queue_.push_back(std::move(item));
    hold.unlock();
    work_.notify_one();
    return true;
  }

  // Drops what is queued; an item in hand should look at stopped() and return early.
  void stop() {
    {
      const std::lock_guard<std::mutex> hold(lock_);
      stopped_ = true;
      queue_.clear();
    }
    room_.notify_all();
    work_.notify_all();
  }

  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }

  // Waits until all that was pushed is done. Returns the first error of any worker.
  status finish() {
    {
      const std::lock_guard<std::mutex> hold(lock_);
      closed_ = true;
    }
    work_.notify_all();
    join();
    return first_error_;
  }

 private:
  void work(size_t worker) {
    for (;;) {
      std::unique_lock<std::mutex> hold(lock_);
      work_.wait(hold, [this] { return stopped_ || closed_ || !queue_.empty(); });
      if (queue_.empty()) return;
      Item item = std::move(queue_.front());
      queue_.pop_front();
      hold.unlock();
      room_.notify_one();
      const status done = run_guarded(worker, std::move(item));
      if (!done.ok()) fail(done);
    }
  }

  // The one place where an exception (memory, in practice) becomes a status.
  status run_guarded(size_t worker, Item item) {
    try {
      return run_(worker, std::move(item));
    } catch (const std::bad_alloc&) {
      return {errc::memory, "out of memory"};
    } catch (const std::exception& error) {
      return {errc::invalid, error.what()};
    }
  }

  void fail(const status& error) {
    {
      const std::lock_guard<std::mutex> hold(lock_);
      if (first_error_.ok()) first_error_ = error;
    }
    stop();
  }

  void join() {
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  const run_function run_;
  const size_t queue_items_max_;
  std::mutex lock_;
  std::condition_variable room_, work_;
  std::deque<Item> queue_;
  std::atomic<bool> stopped_{false};  // written under lock_, read by workers between batches
  bool closed_ = false;
  status first_error_;
  std::vector<std::thread> threads_;
};

}  // namespace fmtrain
