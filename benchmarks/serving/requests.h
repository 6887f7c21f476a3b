// Requests as a feed's ranking server has them: a user, and candidates that are drawn from a pool
// of items, the popular ones often. The same for the same numbers, everywhere.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "fmscore.hpp"

namespace bench {

struct shape {
  uint64_t features = 10000000;  // of the model, named f0, f1, ...
  uint64_t user = 100, item = 60, candidates = 500;
  uint64_t items = 100000;
};

// splitmix64
class random {
 public:
  explicit random(uint64_t seed) : state_(seed * 0xd1342543de82ef95u) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t n) { return next() % n; }
  // Zipf's law with exponent 1: each doubling of the rank has as many visits.
  uint64_t zipf(uint64_t n) {
    const double uniform = static_cast<double>(next() >> 11) * 0x1p-53;
    return static_cast<uint64_t>(std::exp(uniform * std::log(static_cast<double>(n) + 1))) - 1;
  }

 private:
  uint64_t state_;
};

// Numbers of features: what is drawn is also printed as text, for those who read text.
struct request {
  std::vector<uint64_t> user;   // (user)
  std::vector<uint64_t> item;   // (candidates), different ones
  std::vector<uint64_t> items;  // (candidates, item)
};

inline std::string name_of(uint64_t feature) { return "f" + std::to_string(feature); }

// A field has a stretch of the features for itself. Half of the fields take any value of theirs
// alike, as an id, an author or tags are an item's own; in the others values are drawn by Zipf.
inline void draw_fields(const shape& s, uint64_t first, uint64_t count, random& draw,
                        std::vector<uint64_t>& out) {
  const uint64_t values = s.features / (s.user + s.item);
  for (uint64_t field = first; field < first + count; ++field) {
    const uint64_t value = field % 2 == 0 ? draw.below(values) : draw.zipf(values);
    out.push_back(field * values + value);
  }
}

inline request draw_request(const shape& s, uint64_t number) {
  random draw(number + 1);
  request r;
  draw_fields(s, 0, s.user, draw, r.user);
  std::vector<bool> taken(s.items);
  while (r.item.size() < s.candidates) {
    const uint64_t item = draw.zipf(s.items);
    if (taken[item]) continue;
    taken[item] = true;
    r.item.push_back(item);
    random own(~item);  // an item has the same features whoever asks
    draw_fields(s, s.user, s.item, own, r.items);
  }
  return r;
}

}  // namespace bench
