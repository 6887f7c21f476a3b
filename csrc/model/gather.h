// The rows of a sample, copied together: what the kernels work on. Other threads may write the
// rows meanwhile (shared): each coordinate is then read and exchanged whole.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/buffer.h"
#include "model/learner.h"
#include "model/model.h"

namespace fmtrain {

struct gathered {
  buffer<coordinate> w;         // (features)
  buffer<coordinate> v;         // (features, factors)
  std::vector<uint32_t> fresh;  // features some of whose lanes never learned

  void reserve(size_t features, size_t factors) {
    w.reserve(features);
    v.reserve(features * factors);
  }
};

// A coordinate as one word: it may alias the floats that it is made of.
using coordinate_word = uint64_t __attribute__((may_alias));

template <class Locking>
inline coordinate load(const coordinate* at) {
  if constexpr (!Locking::is_shared) return *at;
  const uint64_t bits =
      __atomic_load_n(reinterpret_cast<const coordinate_word*>(at), __ATOMIC_RELAXED);
  coordinate c;
  std::memcpy(&c, &bits, sizeof c);
  return c;
}

inline uint64_t bits_of(coordinate c) {
  uint64_t bits;
  std::memcpy(&bits, &c, sizeof bits);
  return bits;
}

template <class Locking>
inline void store(coordinate* at, coordinate c) {
  if constexpr (Locking::is_shared) {
    __atomic_store_n(reinterpret_cast<coordinate_word*>(at), bits_of(c), __ATOMIC_RELAXED);
  } else {
    *at = c;
  }
}

// *at = after if it still is `before`; otherwise *now says what it is.
template <class Locking>
inline bool exchange(coordinate* at, coordinate before, coordinate after, coordinate* now) {
  uint64_t expected = bits_of(before);
  if constexpr (Locking::is_shared) {
    if (__atomic_compare_exchange_n(reinterpret_cast<coordinate_word*>(at), &expected,
                                    bits_of(after), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
      return true;
    }
    std::memcpy(now, &expected, sizeof expected);
    return false;
  } else {
    if (bits_of(*at) == expected) {
      *at = after;
      return true;
    }
    *now = *at;
    return false;
  }
}

// Rows may be null: a feature without one has state 0. Lanes is the number of factors where the
// compiler is to know it, or 0.
template <class Locking, size_t Lanes>
void gather(const row_ref* rows, size_t features, size_t factors, bool note_all, gathered& out) {
  const size_t k = Lanes == 0 ? factors : Lanes;
  for (size_t i = 0; i < features; ++i) {
    out.w[i] = rows[i] ? load<Locking>(&rows[i].head->w) : coordinate{0, 0};
  }
  out.fresh.clear();
  if (k == 0) return;
  for (size_t i = 0; i < features; ++i) {
    coordinate* const lanes = out.v.data() + i * k;
    const coordinate* const from = rows[i].v;
    if (from == nullptr) {
      std::memset(static_cast<void*>(lanes), 0, k * sizeof(coordinate));
      continue;
    }
    if constexpr (Locking::is_shared) {
      for (size_t f = 0; f < k; ++f) lanes[f] = load<Locking>(from + f);
    } else {
      std::memcpy(lanes, from, k * sizeof(coordinate));
    }
    // n is a sum of squares: it is 0 where its bits are. Comparing those vectorises.
    uint32_t untouched = note_all ? 1 : 0;
    for (size_t f = 0; f < k; ++f) untouched |= static_cast<uint32_t>(bits_of(lanes[f]) >> 32 == 0);
    if (untouched != 0) out.fresh.push_back(static_cast<uint32_t>(i));
  }
}

// States -> weights: the same bits as model::weights_of, many at once.
inline void weigh(const model& m, const kernels& use, const row_ref* rows, size_t features,
                  const gathered& in, weights& out) {
  const size_t k = m.factors();
  if (m.hypers().linear) {
    use.weigh(m.update_rule().w, in.w.data(), out.w.data(), features);
  } else {
    std::fill(out.w.data(), out.w.data() + features, 0.0f);
  }
  if (k == 0) return;
  use.weigh(m.update_rule().v, in.v.data(), out.v.data(), features * k);
  for (const uint32_t i : in.fresh) {
    m.start_or_clear(rows[i].id(), in.v.data() + i * k, out.w[i], out.v.data() + i * k);
  }
}

}  // namespace fmtrain
