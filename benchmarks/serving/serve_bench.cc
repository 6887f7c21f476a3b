// Scores requests by libfmscore and measures; test_serving.py drives it. A command a line comes in,
// a JSON object a line goes out.
//
//     serve_bench MODEL FEATURES CANDIDATES ITEM_CACHE_BYTES
//
//     text COUNT FILE            the first requests as samples: the user's features, then an item's
//     scores CASE COUNT FILE     their scores, floats
//     publish mapped|copied      the model, before what follows
//     run CASE THREADS SECONDS PUBLISHER
//                                latencies; PUBLISHER beside it: none, ready (two open models in
//                                turn), opened (and verified each time)
//     open FILE mapped|copied    how long it takes
//     forest LIBRARY MODEL ROWS COLUMNS   the case of LightGBM
//
// CASE: once, cached, repeated, single, forest.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "requests.h"
#include "scorers.h"

namespace bench {
namespace {

constexpr uint64_t requests_kept = 200;
constexpr std::chrono::milliseconds ready_pause(20);

double us_between(int64_t from, int64_t to) { return static_cast<double>(to - from) / 1e3; }

double at_rank(const std::vector<int64_t>& sorted, double share) {
  const double last = static_cast<double>(sorted.size() - 1);
  return static_cast<double>(sorted[static_cast<size_t>(share * last + 0.5)]) / 1e3;
}

// A processor's time passes only while the thread has one: others on the machine do not add to it.
int64_t thread_cpu_ns() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

// Nanoseconds of each request.
struct timed {
  std::vector<int64_t> wall, cpu;
};

class bench {
 public:
  bench(std::string model, const shape& s, uint64_t cache_bytes)
      : path_(std::move(model)), shape_(s), cached_(cache_bytes) {
    for (uint64_t i = 0; i < requests_kept; ++i) {
      requests_.push_back(hash_request(s, draw_request(s, i)));
    }
  }

  void obey(const std::string& line) {
    std::istringstream words(line);
    std::string what, name, file;
    words >> what;
    if (what == "text") {
      uint64_t count = 0;
      words >> count >> file;
      write_text(count, file);
    } else if (what == "scores") {
      uint64_t count = 0;
      words >> name >> count >> file;
      write_scores(name, count, file);
    } else if (what == "run") {
      size_t threads = 0;
      double seconds = 0;
      std::string publisher;
      words >> name >> threads >> seconds >> publisher;
      run(name, threads, seconds, publisher);
    } else if (what == "publish") {
      words >> name;
      publish(name);
      std::puts("{}");
    } else if (what == "open") {
      words >> file >> name;
      open(file, name);
    } else if (what == "forest") {
      std::string model;
      uint64_t columns = 0;
      words >> name >> model >> file >> columns;
      forest_ = std::make_unique<forest>(name.c_str(), model.c_str(), file.c_str(), columns);
      std::puts("{}");
    } else {
      throw std::runtime_error("no such command: " + line);
    }
    std::fflush(stdout);
  }

 private:
  std::unique_ptr<scorer> make_scorer(const std::string& name) {
    if (name == "once") return std::make_unique<once>(plain_, false);
    if (name == "cached") return std::make_unique<once>(cached_, true);
    if (name == "repeated") return std::make_unique<repeated>(plain_);
    if (name == "single") return std::make_unique<single>(plain_);
    if (name == "forest" && forest_) return std::make_unique<forest::rows_scorer>(*forest_);
    throw std::runtime_error("no such case: " + name);
  }

  static uint32_t flags_of(const std::string& how) {
    if (how != "mapped" && how != "copied") throw std::runtime_error("mapped or copied? " + how);
    return how == "copied" ? FMS_OPEN_COPY : 0;
  }

  fmscore::model opened() const { return fmscore::model::open(path_, flags_); }

  void publish(const std::string& how) {
    flags_ = flags_of(how);
    const fmscore::model m = opened();
    for (fmscore::slot* slot : {&plain_, &cached_}) slot->publish(m);
  }

  void write_text(uint64_t count, const std::string& path) {
    std::ofstream out(path);
    for (uint64_t r = 0; r < count; ++r) {
      const request drawn = draw_request(shape_, r);
      std::string user;
      for (const uint64_t f : drawn.user) user += ' ' + name_of(f);
      for (uint64_t i = 0; i < shape_.candidates; ++i) {
        out << 0 << user;
        const uint64_t* const features = drawn.items.data() + i * shape_.item;
        for (uint64_t f = 0; f < shape_.item; ++f) out << ' ' << name_of(features[f]);
        out << '\n';
      }
    }
    std::puts("{}");
  }

  void write_scores(const std::string& name, uint64_t count, const std::string& path) {
    std::ofstream out(path, std::ios::binary);
    const std::unique_ptr<scorer> it = make_scorer(name);
    std::vector<float> scores(shape_.candidates);
    for (uint64_t r = 0; r < count; ++r) {
      it->prepare(requests_[r]);
      it->score(scores.data());
      out.write(reinterpret_cast<const char*>(scores.data()),
                static_cast<std::streamsize>(scores.size() * sizeof(float)));
    }
    std::puts("{}");
  }

  void run(const std::string& name, size_t threads, double seconds, const std::string& publisher) {
    fmscore::slot& slot = name == "cached" ? cached_ : plain_;
    std::vector<fmscore::model> models;
    if (publisher == "ready") models = {opened(), slot.current()};
    std::atomic<size_t> ready{0};
    std::atomic<bool> stop{false};
    std::vector<timed> parts(threads);
    std::vector<std::thread> workers;
    for (size_t t = 0; t < threads; ++t) {
      workers.emplace_back([&, t] { score_until(stop, ready, threads, name, t, parts[t]); });
    }
    while (ready.load() < threads) std::this_thread::yield();
    const fms_stats before = slot.stats();
    const int64_t start = fms_now_ns(), end = start + static_cast<int64_t>(seconds * 1e9);
    publish_until(end, slot, publisher, models);
    const int64_t stopped = fms_now_ns();
    stop = true;
    for (std::thread& worker : workers) worker.join();
    const fms_stats after = slot.stats();
    timed all;
    for (const timed& part : parts) {
      all.wall.insert(all.wall.end(), part.wall.begin(), part.wall.end());
      all.cpu.insert(all.cpu.end(), part.cpu.begin(), part.cpu.end());
    }
    std::sort(all.wall.begin(), all.wall.end());
    std::sort(all.cpu.begin(), all.cpu.end());
    const double hits = static_cast<double>(after.cache_hits - before.cache_hits);
    const double misses = static_cast<double>(after.cache_misses - before.cache_misses);
    std::printf(
        "{\"requests\": %zu, \"requests_per_s\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
        "\"cpu_p50_us\": %.1f, \"cpu_p99_us\": %.1f, \"hit_rate\": %.4f, \"published\": %llu}\n",
        all.wall.size(), static_cast<double>(all.wall.size()) * 1e6 / us_between(start, stopped),
        at_rank(all.wall, 0.5), at_rank(all.wall, 0.99), at_rank(all.cpu, 0.5),
        at_rank(all.cpu, 0.99), hits + misses > 0 ? hits / (hits + misses) : 0.0,
        static_cast<unsigned long long>(after.published - before.published));
  }

  void score_until(const std::atomic<bool>& stop, std::atomic<size_t>& ready, size_t threads,
                   const std::string& name, size_t thread, timed& taken) {
    const std::unique_ptr<scorer> it = make_scorer(name);
    std::vector<float> scores(shape_.candidates);
    for (std::vector<int64_t>* ns : {&taken.wall, &taken.cpu}) ns->reserve(1 << 20);
    size_t next = thread * requests_kept / threads;
    ++ready;
    while (ready.load() < threads) std::this_thread::yield();
    do {
      it->prepare(requests_[next++ % requests_kept]);
      const int64_t cpu = thread_cpu_ns(), wall = fms_now_ns();
      it->score(scores.data());
      taken.wall.push_back(fms_now_ns() - wall);
      taken.cpu.push_back(thread_cpu_ns() - cpu);
    } while (!stop.load(std::memory_order_relaxed));
  }

  void publish_until(int64_t end, fmscore::slot& slot, const std::string& publisher,
                     const std::vector<fmscore::model>& ready) {
    const auto left = [end] { return std::chrono::nanoseconds(end - fms_now_ns()); };
    if (publisher == "ready") {
      for (size_t i = 0; left().count() > 0; ++i) {
        slot.publish(ready[i % 2]);
        std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(ready_pause, left()));
      }
    } else if (publisher == "opened") {
      while (left().count() > 0) slot.publish(opened());
    } else if (publisher == "none") {
      std::this_thread::sleep_for(left());
    } else {
      throw std::runtime_error("no such publisher: " + publisher);
    }
  }

  void open(const std::string& path, const std::string& how) {
    const int64_t start = fms_now_ns();
    fmscore::model m = fmscore::model::open(path, flags_of(how) | FMS_OPEN_UNVERIFIED);
    const int64_t opened = fms_now_ns();
    m.verify();
    std::printf("{\"open_us\": %.1f, \"verify_us\": %.1f, \"bytes\": %llu}\n",
                us_between(start, opened), us_between(opened, fms_now_ns()),
                static_cast<unsigned long long>(m.info().file_bytes));
  }

  const std::string path_;
  const shape shape_;
  uint32_t flags_ = 0;  // FMS_OPEN_*
  fmscore::slot plain_, cached_;
  std::vector<hashed> requests_;
  std::unique_ptr<forest> forest_;
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: serve_bench MODEL FEATURES CANDIDATES ITEM_CACHE_BYTES\n");
    return 2;
  }
  try {
    bench::shape shape;
    shape.features = std::stoull(argv[2]);
    shape.candidates = std::stoull(argv[3]);
    bench::bench it(argv[1], shape, std::stoull(argv[4]));
    std::string line;
    while (std::getline(std::cin, line)) it.obey(line);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "serve_bench: %s\n", e.what());
    return 1;
  }
  return 0;
}
