// A host in C++11 that keeps its model new: `watch PLACE` polls once for each line of standard
// input and prints what happened, a line each: "publish PATH", "refuse REASON", and at last
// "check PUBLISHED LAST_ERROR". `watch PLACE thread` lets a thread poll until something is
// published.
#include <chrono>
#include <future>
#include <iostream>
#include <string>

#include "fmscore_watcher.hpp"

namespace {

void watch(fmscore::slot& slot, const std::string& place) {
  fmscore::watcher_options options;
  options.on_publish = [](const std::string& path) { std::cout << "publish " << path << '\n'; };
  options.on_error = [](const std::string&, const std::string& reason) {
    std::cout << "refuse " << reason << '\n';
  };
  fmscore::watcher watcher(slot, place, options);
  std::string line;
  while (std::getline(std::cin, line)) {
    const bool published = watcher.check();
    std::cout << "check " << published << ' ' << watcher.last_error() << std::endl;
  }
}

void watch_in_thread(fmscore::slot& slot, const std::string& place) {
  std::promise<std::string> published;
  fmscore::watcher_options options;
  options.interval = std::chrono::milliseconds(1);
  options.on_publish = [&published](const std::string& path) { published.set_value(path); };
  fmscore::watcher watcher(slot, place, options);
  watcher.start();
  watcher.start();  // one is enough
  std::cout << "publish " << published.get_future().get() << std::endl;
  watcher.stop();
  std::cout << "check " << watcher.check() << ' ' << watcher.last_error() << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) return 2;
  fmscore::slot slot;
  (argc == 2 ? watch : watch_in_thread)(slot, argv[1]);
  return 0;
}
