// The ways to score a request that are timed, one object a thread.
#pragma once

#include <dlfcn.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "fmscore.hpp"
#include "requests.h"

namespace bench {

// A request's ids, in CSR.
struct rows {
  std::vector<uint64_t> ptr{0}, ids, item_ids;

  fms_rows view(bool with_items = false) const {
    fms_rows r = fmscore::make<fms_rows>();
    r.rows = ptr.size() - 1;
    r.row_ptr = ptr.data();
    r.ids = ids.data();
    r.item_ids = with_items ? item_ids.data() : nullptr;
    return r;
  }
};

// Every request as a host has it: hashed.
struct hashed {
  rows user, items;
};

inline hashed hash_request(const shape& s, const request& r) {
  hashed h;
  for (const uint64_t f : r.user) h.user.ids.push_back(fmscore::hash(name_of(f)));
  h.user.ptr.push_back(s.user);
  for (const uint64_t f : r.items) h.items.ids.push_back(fmscore::hash(name_of(f)));
  for (uint64_t i = 1; i <= s.candidates; ++i) h.items.ptr.push_back(i * s.item);
  h.items.item_ids = r.item;
  return h;
}

class scorer {
 public:
  virtual ~scorer() = default;
  // Puts the rows together, as a host does before it asks; not in a request's time.
  virtual void prepare(const hashed& from) = 0;
  virtual void score(float* out) = 0;
};

// The user's side once; with item ids where the slot has a cache.
class once : public scorer {
 public:
  once(const fmscore::slot& slot, bool cached) : context_(slot), cached_(cached) {}
  void prepare(const hashed& from) override { rows_ = from; }
  void score(float* out) override {
    fmscore::request request(context_, rows_.user.view());
    request.score(rows_.items.view(cached_), out, nullptr, nullptr);
  }

 private:
  fmscore::context context_;
  const bool cached_;
  hashed rows_;
};

// The user's features in each row.
class repeated : public scorer {
 public:
  explicit repeated(const fmscore::slot& slot) : context_(slot) {}
  void prepare(const hashed& from) override {
    rows_.ptr.assign(1, 0);
    rows_.ids.clear();
    for (size_t i = 0; i + 1 < from.items.ptr.size(); ++i) {
      const auto begin = from.items.ids.begin();
      rows_.ids.insert(rows_.ids.end(), from.user.ids.begin(), from.user.ids.end());
      rows_.ids.insert(rows_.ids.end(), begin + static_cast<ptrdiff_t>(from.items.ptr[i]),
                       begin + static_cast<ptrdiff_t>(from.items.ptr[i + 1]));
      rows_.ptr.push_back(rows_.ids.size());
    }
  }
  void score(float* out) override {
    fmscore::request request(context_);
    request.score(rows_.view(), out, nullptr, nullptr);
  }

 protected:
  fmscore::context context_;
  rows rows_;
};

// The same, a row a call: what a single-row API does.
class single : public repeated {
 public:
  using repeated::repeated;
  void score(float* out) override {
    fms_rows row = rows_.view();
    row.rows = 1;
    for (; row.row_ptr + 1 != rows_.ptr.data() + rows_.ptr.size(); ++row.row_ptr, ++out) {
      fmscore::request request(context_);
      request.score(row, out, nullptr, nullptr);
    }
  }
};

// LightGBM's C API for single rows, from its own library. Rows of doubles come from a file.
class forest {
 public:
  forest(const char* library, const char* model, const char* rows, uint64_t columns)
      : columns_(columns) {
    void* const handle = dlopen(library, RTLD_NOW);
    if (handle == nullptr) throw std::runtime_error(dlerror());
    int rounds = 0;
    call<int(const char*, int*, void**)>(handle, "LGBM_BoosterCreateFromModelfile", model, &rounds,
                                         &booster_);
    library_ = handle;
    std::ifstream file(rows, std::ios::binary | std::ios::ate);
    if (!file) throw std::runtime_error(std::string(rows) + ": cannot be read");
    values_.resize(static_cast<size_t>(file.tellg()) / sizeof(double));
    file.seekg(0);
    file.read(reinterpret_cast<char*>(values_.data()),
              static_cast<std::streamsize>(values_.size() * sizeof(double)));
  }

  class rows_scorer : public scorer {
   public:
    explicit rows_scorer(const forest& of) : of_(of) {
      constexpr int raw_score = 1, float64 = 1;
      call<int(void*, int, int, int, int, int32_t, const char*, void**)>(
          of.library_, "LGBM_BoosterPredictForMatSingleRowFastInit", of.booster_, raw_score, 0, -1,
          float64, static_cast<int32_t>(of.columns_), "num_threads=1", &fast_);
      score_row_ = reinterpret_cast<row_function*>(
          dlsym(of.library_, "LGBM_BoosterPredictForMatSingleRowFast"));
    }
    void prepare(const hashed&) override { values_ = of_.values_; }
    void score(float* out) override {
      for (size_t at = 0; at < values_.size(); at += of_.columns_, ++out) {
        int64_t count = 0;
        double score = 0;
        score_row_(fast_, values_.data() + at, &count, &score);
        *out = static_cast<float>(score);
      }
    }

   private:
    using row_function = int(void*, const void*, int64_t*, double*);
    const forest& of_;
    void* fast_ = nullptr;
    row_function* score_row_;
    std::vector<double> values_;
  };

 private:
  template <typename F, typename... Args>
  static void call(void* library, const char* name, Args... args) {
    auto* const function = reinterpret_cast<F*>(dlsym(library, name));
    if (function == nullptr || function(args...) != 0) throw std::runtime_error(name);
  }

  const uint64_t columns_;
  void* library_ = nullptr;
  void* booster_ = nullptr;
  std::vector<double> values_;  // (candidates, columns)
};

}  // namespace bench
