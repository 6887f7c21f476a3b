// Keeps the model of a slot new: polls a place, opens what is new there, verifies and publishes it.
// What cannot be used never takes the place of what is served. fmtrain.serving.Watcher in C++11.
//
// The place is a directory: the newest usable file is served, by time of change and then by name.
// Its names match `pattern`; those that begin with '.' or hold ".tmp." are being written. A file's
// md5 is checked where FILE.md5, as md5sum prints it, lies beside it.
// Or it is a manifest, a file of one line as md5sum prints it: "MD5  PATH", PATH relative to it.
// Files are written under another name and renamed, never changed in place.
//
// A file that was refused is tried again when it or its md5 has changed.
#ifndef FMSCORE_WATCHER_HPP
#define FMSCORE_WATCHER_HPP

#include <dirent.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fmscore.hpp"

namespace fmscore {

struct watcher_options {
  std::chrono::milliseconds interval;
  std::string pattern;  // of a directory's names, as a shell's
  uint32_t open_flags;  // FMS_OPEN_COPY, or 0
  // Called by the thread that checks, after it happened; what they throw is check()'s.
  std::function<void(const std::string& path)> on_publish;
  std::function<void(const std::string& path, const std::string& reason)> on_error;

  watcher_options() : interval(5000), pattern("*.fms"), open_flags(0) {}
};

class watcher {
 public:
  // The slot outlives it. Nothing happens before check() or start().
  watcher(slot& to, const std::string& place, watcher_options options = watcher_options())
      : slot_(to), place_(place), options_(std::move(options)), stopping_(false) {}
  ~watcher() { stop(); }
  watcher(const watcher&) = delete;
  watcher& operator=(const watcher&) = delete;

  // One poll. True: a model was published.
  bool check() {
    std::lock_guard<std::mutex> turn(checking_);
    slot_.reclaim();
    std::string error;
    bool published = false;
    std::map<std::string, std::string> refused;
    for (const candidate& c : candidates(&error, &refused)) {
      if (c.identity == served_) break;
      const std::string reason = tried(c, &refused);
      published = reason.empty();
      if (published) break;
      if (error.empty()) error = reason;
    }
    refused_.swap(refused);
    set_error(error);
    return published;
  }

  // Polls in a thread of its own until stop().
  void start() {
    if (thread_.joinable()) return;
    stopping_ = false;
    thread_ = std::thread([this] { run(); });
  }
  void stop() {
    {
      std::lock_guard<std::mutex> lock(state_);
      stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  // Why what ought to be served is not, or "": of the last check.
  std::string last_error() const {
    std::lock_guard<std::mutex> lock(state_);
    return error_;
  }

 private:
  struct candidate {
    std::string path, identity;  // identity changes when the file does
    std::string md5, md5_identity;
    std::pair<int64_t, std::string> age;  // time of change, name
  };
  using refusals = std::map<std::string, std::string>;  // what was tried -> the reason

  // Size, time and inode of what is at a path, or "".
  static std::string identity_of(const std::string& path, int64_t* changed_ns = nullptr) {
    struct stat s;
    if (stat(path.c_str(), &s) != 0 || !S_ISREG(s.st_mode)) return "";
    const int64_t ns = static_cast<int64_t>(s.st_mtim.tv_sec) * 1000000000 + s.st_mtim.tv_nsec;
    if (changed_ns != nullptr) *changed_ns = ns;
    return path + '\n' + std::to_string(ns) + ' ' + std::to_string(s.st_size) + ' ' +
           std::to_string(s.st_ino);
  }

  // The md5 and path of the one line of a file, as md5sum prints it; false: it is none.
  static bool read_sum(const std::string& path, std::string* md5, std::string* named) {
    std::ifstream file(path);
    std::string line, more;
    if (!std::getline(file, line)) return false;
    while (std::getline(file, more)) {
      if (!more.empty()) return false;
    }
    *md5 = line.substr(0, 32);
    const bool is_hex = md5->find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
    // Two blanks, or a blank and a star.
    if (md5->size() != 32 || !is_hex || line.size() < 35 || line[32] != ' ') return false;
    *named = line.substr(34);
    return true;
  }

  static std::string no_sum(const std::string& path) {
    return path + ": not one line \"MD5  PATH\" as md5sum prints it";
  }

  // What may be served, the best first.
  std::vector<candidate> candidates(std::string* error, refusals* refused) {
    struct stat s;
    DIR* directory = nullptr;
    const bool is_there = stat(place_.c_str(), &s) == 0;
    if (is_there && !S_ISDIR(s.st_mode)) return of_manifest(error, refused);
    if (is_there) directory = opendir(place_.c_str());
    if (directory != nullptr) return of_directory(directory);
    *error = place_ + ": " + std::strerror(errno);
    refuse(*error, place_, *error, refused);
    return std::vector<candidate>();
  }

  std::vector<candidate> of_directory(DIR* directory) const {
    std::vector<candidate> found;
    while (const dirent* const entry = readdir(directory)) {
      const std::string name = entry->d_name;
      if (name[0] == '.' || name.find(".tmp.") != std::string::npos) continue;
      if (fnmatch(options_.pattern.c_str(), name.c_str(), 0) != 0) continue;
      candidate c;
      c.path = place_ + '/' + name;
      c.identity = identity_of(c.path, &c.age.first);
      if (c.identity.empty()) continue;
      c.age.second = name;
      c.md5_identity = identity_of(c.path + ".md5");
      found.push_back(c);
    }
    closedir(directory);
    std::sort(found.begin(), found.end(),
              [](const candidate& a, const candidate& b) { return a.age > b.age; });
    return found;
  }

  std::vector<candidate> of_manifest(std::string* error, refusals* refused) {
    candidate c;
    std::string named;
    if (!read_sum(place_, &c.md5, &named)) {
      *error = no_sum(place_);
      refuse(identity_of(place_), place_, *error, refused);
      return std::vector<candidate>();
    }
    const size_t slash = place_.rfind('/');
    const bool relative = named[0] != '/' && slash != std::string::npos;
    c.path = relative ? place_.substr(0, slash + 1) + named : named;
    c.identity = identity_of(c.path) + '\n' + c.md5;
    return std::vector<candidate>(1, c);
  }

  // Publishes it, or says why not; what was refused before and has not changed is left.
  std::string tried(const candidate& c, refusals* refused) {
    const std::string what = c.identity + '\n' + c.md5_identity;
    const refusals::const_iterator before = refused_.find(what);
    if (before != refused_.end()) {
      refused->insert(*before);
      return before->second;
    }
    try {
      std::string md5 = c.md5, named;
      if (!c.md5_identity.empty() && !read_sum(c.path + ".md5", &md5, &named)) {
        throw error(FMS_EFORMAT, no_sum(c.path + ".md5"));
      }
      slot_.publish(model::open(c.path, options_.open_flags, md5));
      served_ = c.identity;
    } catch (const error& e) {
      refuse(what, c.path, e.what(), refused);
      return e.what();
    }
    if (options_.on_publish) options_.on_publish(c.path);
    return "";
  }

  // Told once, until it changes.
  void refuse(const std::string& what, const std::string& path, const std::string& reason,
              refusals* refused) {
    (*refused)[what] = reason;
    if (refused_.count(what) == 0 && options_.on_error) options_.on_error(path, reason);
  }

  void set_error(const std::string& error) {
    std::lock_guard<std::mutex> lock(state_);
    error_ = error;
  }

  void run() {
    std::unique_lock<std::mutex> lock(state_);
    while (!stopping_) {
      lock.unlock();
      try {
        check();
      } catch (const std::exception& e) {
        set_error(e.what());
      }
      lock.lock();
      wake_.wait_for(lock, options_.interval, [this] { return stopping_; });
    }
  }

  slot& slot_;
  const std::string place_;
  const watcher_options options_;

  std::mutex checking_;  // guards served_, refused_
  std::string served_;   // identity of what was published last
  refusals refused_;     // of what is there now

  mutable std::mutex state_;  // guards error_, stopping_
  std::condition_variable wake_;
  std::string error_;
  bool stopping_;
  std::thread thread_;
};

}  // namespace fmscore

#endif
