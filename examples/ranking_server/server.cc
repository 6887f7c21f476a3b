// A ranking server in small: N threads rank candidates for users within a deadline, while a watcher
// replaces the model by whatever appears in a directory. Users and candidates come from a file of
// samples in place of a network. See README.md.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "fmscore.hpp"
#include "fmscore_watcher.hpp"

namespace {

const char usage[] =
    R"(usage: ranking_server MODELS SAMPLES [--seconds S] [--requests N] [--swaps N]
         [--threads N] [--candidates N] [--deadline-ms MS] [--user-features N]
         [--item-cache-mb MB]
MODELS: a directory, whose newest *.fms is served. SAMPLES: lines "label name[:value] ...";
the first names of a line are a user, the others an item. Ends after so many seconds,
requests or swaps (0: any number of these two), and prints what it did.
)";

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct options {
  std::string models, samples;
  std::map<std::string, double> numbers = {
      {"--seconds", 10},       {"--requests", 0},       {"--swaps", 0},
      {"--threads", 2},        {"--candidates", 500},   {"--deadline-ms", 100},
      {"--user-features", 20}, {"--item-cache-mb", 64},
  };
  double of(const char* flag) const { return numbers.at(flag); }
  uint64_t count(const char* flag) const { return static_cast<uint64_t>(of(flag)); }
};

double number(const std::string& flag, const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value >= 0 && value <= 1e9)) {
    throw usage_error(flag + ": '" + text + "' is no number from 0 to 1e9");
  }
  return value;
}

options parse(int argc, char** argv) {
  options o;
  std::vector<std::string> paths;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.compare(0, 2, "--") != 0) {
      paths.push_back(word);
      continue;
    }
    if (o.numbers.count(word) == 0) throw usage_error("no such option: " + word);
    ++i;
    o.numbers[word] = number(word, i < argc ? argv[i] : "");
  }
  if (paths.size() != 2) throw usage_error("MODELS and SAMPLES are needed");
  for (const char* flag : {"--threads", "--candidates"}) {
    if (o.of(flag) < 1) throw usage_error(std::string(flag) + ": at least 1 is needed");
  }
  o.models = paths[0];
  o.samples = paths[1];
  return o;
}

struct feature {
  uint64_t id;
  float x;
};
using features = std::vector<feature>;

// In a real server: a user's profile and history, an index of items.
struct catalogue {
  std::vector<features> users, items;
};

catalogue read_samples(const std::string& path, size_t user_features, uint32_t hash_seed) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  catalogue c;
  std::string line, word;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    words >> word;  // the label
    features user, item;
    while (words >> word && word[0] != '#') {
      const size_t colon = word.rfind(':');
      const float x =
          colon == std::string::npos ? 1 : std::strtof(word.c_str() + colon + 1, nullptr);
      features& to = user.size() < user_features ? user : item;
      to.push_back({fmscore::hash(word.substr(0, colon), hash_seed), x});
    }
    if (item.empty()) continue;
    c.users.push_back(user);
    c.items.push_back(item);
  }
  if (c.items.empty()) throw std::runtime_error(path + ": no line has a feature for an item");
  return c;
}

void add(const features& from, fmscore::id_rows& to) {
  for (const feature& f : from) to.add(f.id, f.x);
}

class server {
 public:
  explicit server(const options& o) : options_(o), slot_(o.count("--item-cache-mb") << 20) {
    fmscore::watcher_options watching;
    watching.interval = std::chrono::milliseconds(100);
    watching.open_flags = FMS_OPEN_COPY;
    watching.on_publish = [this](const std::string& path) {
      std::cerr << "served: " << path << '\n';
      const uint64_t most = options_.count("--swaps");
      if (most > 0 && published_++ == most) stop_ = true;
    };
    watching.on_error = [](const std::string&, const std::string& reason) {
      std::cerr << "not served: " << reason << '\n';
    };
    watcher_.reset(new fmscore::watcher(slot_, o.models, watching));
    if (!watcher_->check()) {
      const std::string reason = watcher_->last_error();
      throw std::runtime_error(reason.empty() ? o.models + ": has no *.fms" : reason);
    }
    catalogue_ =
        read_samples(o.samples, o.count("--user-features"), slot_.current().info().hash_seed);
  }

  void run() {
    watcher_->start();
    const int64_t start = fms_now_ns();
    end_ = start + static_cast<int64_t>(options_.of("--seconds") * 1e9);
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < options_.count("--threads"); ++t) {
      threads.emplace_back([this, t] { work(t); });
    }
    for (std::thread& thread : threads) thread.join();
    watcher_->stop();
    if (!failure_.empty()) throw std::runtime_error(failure_);
    report(static_cast<double>(fms_now_ns() - start) * 1e-9);
  }

 private:
  // A thread: a context, buffers that are kept, and a request after the other.
  void work(uint64_t thread) {
    std::vector<int64_t> taken;
    try {
      std::mt19937_64 draw(thread);
      const uint64_t candidates = options_.count("--candidates");
      const int64_t budget = static_cast<int64_t>(options_.of("--deadline-ms") * 1e6);
      fmscore::context context(slot_, FMS_OUTPUT_PREDICTION);
      fmscore::id_rows user, items;
      fmscore::scores scores;
      while (may_begin()) {
        const int64_t start = fms_now_ns();
        user.clear();
        items.clear();
        add(catalogue_.users[draw() % catalogue_.users.size()], user.row());
        for (uint64_t i = 0; i < candidates; ++i) {
          const uint64_t item = draw() % catalogue_.items.size();
          add(catalogue_.items[item], items.row(item));
        }
        fmscore::request request(context, user);
        request.score(items, &scores, start + budget);
        rank(scores);
        taken.push_back(fms_now_ns() - start);
      }
    } catch (const std::exception& e) {
      std::lock_guard<std::mutex> lock(lock_);
      failure_ = e.what();
      stop_ = true;
    }
    std::lock_guard<std::mutex> lock(lock_);
    taken_.insert(taken_.end(), taken.begin(), taken.end());
  }

  bool may_begin() {
    if (stop_ || fms_now_ns() >= end_) return false;
    const uint64_t most = options_.count("--requests");
    return most == 0 || begun_++ < most;
  }

  // Places of the ten best. Those behind the deadline were the recall's last: they are left out.
  static std::vector<size_t> rank(const fmscore::scores& scores) {
    std::vector<size_t> order(scores.done);
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto best = order.begin() + std::min<ptrdiff_t>(10, scores.done);
    std::partial_sort(order.begin(), best, order.end(),
                      [&](size_t a, size_t b) { return scores.score[a] > scores.score[b]; });
    order.erase(best, order.end());
    return order;
  }

  double percentile_ms(double share) const {
    if (taken_.empty()) return 0;
    const double last = static_cast<double>(taken_.size() - 1);
    return static_cast<double>(taken_[static_cast<size_t>(share * last + 0.5)]) * 1e-6;
  }

  void report(double seconds) {
    std::sort(taken_.begin(), taken_.end());
    const fms_stats stats = slot_.stats();
    const fmscore::model model = slot_.current();
    std::cout << std::fixed << std::setprecision(3) << "requests " << taken_.size()
              << "\nrequests_per_s " << static_cast<double>(taken_.size()) / seconds << "\np50_ms "
              << percentile_ms(0.5) << "\np99_ms " << percentile_ms(0.99) << "\np99.9_ms "
              << percentile_ms(0.999) << "\nscored_items " << stats.scored << "\ncut_off_items "
              << stats.cut_off << "\ncache_hits " << stats.cache_hits << "\nswaps "
              << stats.published - 1 << "\nmodel " << model.info().name << ' '
              << model.info().version << '\n';
  }

  const options options_;
  catalogue catalogue_;
  int64_t end_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> begun_{0}, published_{0};
  std::mutex lock_;  // guards what follows
  std::vector<int64_t> taken_;
  std::string failure_;
  fmscore::slot slot_;
  std::unique_ptr<fmscore::watcher> watcher_;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    server(parse(argc, argv)).run();
    return 0;
  } catch (const usage_error& e) {
    std::cerr << "ranking_server: " << e.what() << '\n' << usage;
    return 2;
  } catch (const std::exception& e) {
    std::cerr << "ranking_server: " << e.what() << '\n';
    return 1;
  }
}
