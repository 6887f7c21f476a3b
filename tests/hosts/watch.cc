// A host in C++11 that keeps its model new: `watch PLACE` polls once for each line of standard
// input and prints what happened, a line each: "publish PATH", "refuse REASON", and at last
// "check PUBLISHED LAST_ERROR".
#include <iostream>
#include <string>

#include "fmscore_watcher.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  fmscore::slot slot;
  fmscore::watcher_options options;
  options.on_publish = [](const std::string& path) { std::cout << "publish " << path << '\n'; };
  options.on_error = [](const std::string&, const std::string& reason) {
    std::cout << "refuse " << reason << '\n';
  };
  fmscore::watcher watcher(slot, argv[1], options);
  std::string line;
  while (std::getline(std::cin, line)) {
    const bool published = watcher.check();
    std::cout << "check " << published << ' ' << watcher.last_error() << std::endl;
  }
  return 0;
}
