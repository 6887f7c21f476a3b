// fmscore.h in C++11: the same things, owned. Header only; every failure is an fmscore::error.
//
//     fmscore::slot slot;
//     slot.publish(fmscore::model::open("model.fms"));
//     fmscore::context context(slot);                     // one a thread
//     fmscore::id_rows user, items;                       // reused from request to request
//     user.row().add(fmscore::hash("city=Oslo"));
//     items.row().add(fmscore::hash("ad=3")).add(fmscore::hash("price"), 0.25f);
//     fmscore::scores scores;
//     fmscore::request request(context, user);
//     request.score(items, &scores, fmscore::in(std::chrono::milliseconds(20)));
//
// What fmscore.h says of threads, pointers and lifetimes holds here too. A deadline of 0 is none.
// fmscore_watcher.hpp keeps a slot's model new.
#ifndef FMSCORE_HPP
#define FMSCORE_HPP

#include <chrono>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fmscore.h"
#include "fmscore_rows.hpp"

namespace fmscore {

// What a function of the C ABI refused, with its message.
class error : public std::runtime_error {
 public:
  error(int32_t code, const std::string& message) : std::runtime_error(message), code_(code) {}
  int32_t code() const noexcept { return code_; }  // FMS_E*

 private:
  int32_t code_;
};

// Throws for an error; FMS_OK and FMS_PARTIAL come back.
inline int32_t check(int32_t code) {
  if (code < 0) throw error(code, fms_last_error());
  return code;
}

// A struct of the ABI, cleared and with its size.
template <typename S>
S make() {
  S s;
  fms_clear(&s, sizeof(s));
  return s;
}

// A feature's id; seed: the model's info().hash_seed.
inline uint64_t hash(const std::string& name, uint32_t seed = 0) {
  return fms_hash(name.data(), name.size(), seed);
}

// A deadline so long from now.
inline int64_t in(std::chrono::nanoseconds time) { return fms_now_ns() + time.count(); }

// Owns a handle; moves, does not copy.
template <typename T, int32_t (*Destroy)(T*)>
class handle {
 public:
  handle() noexcept : it_(nullptr) {}
  ~handle() { reset(); }
  handle(handle&& other) noexcept : it_(other.it_) { other.it_ = nullptr; }
  handle& operator=(handle&& other) noexcept {
    std::swap(it_, other.it_);
    return *this;
  }
  handle(const handle&) = delete;
  handle& operator=(const handle&) = delete;

  T* get() const noexcept { return it_; }
  T** out() noexcept { return &it_; }  // for functions that open one
  T* release() noexcept {
    T* const it = it_;
    it_ = nullptr;
    return it;
  }
  void reset() noexcept {
    if (it_ != nullptr) Destroy(it_);
    it_ = nullptr;
  }

 private:
  T* it_;
};

// A reference to a model; copies share it.
class model {
 public:
  // flags: FMS_OPEN_*. md5: of the whole file, 32 hex digits; "": not checked.
  static model open(const std::string& path, uint32_t flags = 0, const std::string& md5 = "") {
    const fms_open_options options = options_of(flags, md5);
    model m;
    check(fms_model_open(path.c_str(), &options, m.handle_.out()));
    return m;
  }
  // Without FMS_OPEN_COPY the bytes, aligned to 64, outlive all copies.
  static model open_memory(const void* bytes, uint64_t size, uint32_t flags = 0,
                           const std::string& md5 = "") {
    const fms_open_options options = options_of(flags, md5);
    model m;
    check(fms_model_open_memory(bytes, size, &options, m.handle_.out()));
    return m;
  }
  // Takes over one reference.
  static model adopt(fms_model* it) {
    model m;
    *m.handle_.out() = it;
    return m;
  }

  model(const model& other) {
    if (other.get() == nullptr) return;
    check(fms_model_retain(other.get()));
    *handle_.out() = other.get();
  }
  model(model&&) noexcept = default;
  model& operator=(model other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~model() = default;

  void verify() { check(fms_model_verify(get())); }
  fms_info info() const {
    fms_info info = make<fms_info>();
    check(fms_model_info(get(), &info));
    return info;
  }
  fms_model* get() const noexcept { return handle_.get(); }

 private:
  model() = default;
  static fms_open_options options_of(uint32_t flags, const std::string& md5) {
    fms_open_options options = make<fms_open_options>();
    options.flags = flags;
    options.md5 = md5.empty() ? nullptr : md5.c_str();
    return options;
  }

  handle<fms_model, fms_model_release> handle_;
};

// Where the current model hangs. Any thread.
class slot {
 public:
  explicit slot(uint64_t item_cache_bytes = 0) {
    fms_slot_options options = make<fms_slot_options>();
    options.item_cache_bytes = item_cache_bytes;
    check(fms_slot_create(&options, handle_.out()));
  }

  void publish(const model& m) { check(fms_slot_publish(get(), m.get())); }
  // Releases replaced models; returns how many are still held by requests.
  uint64_t reclaim() {
    uint64_t waiting = 0;
    check(fms_slot_reclaim(get(), &waiting));
    return waiting;
  }
  model current() const {
    fms_model* m = nullptr;
    check(fms_slot_model(get(), &m));
    return model::adopt(m);
  }
  fms_stats stats() const {
    fms_stats stats = make<fms_stats>();
    check(fms_slot_stats(get(), &stats));
    return stats;
  }
  fms_slot* get() const noexcept { return handle_.get(); }

 private:
  handle<fms_slot, fms_slot_destroy> handle_;
};

// The scratch memory of one thread. May outlive its slot: then its next request fails.
class context {
 public:
  // output: FMS_OUTPUT_*. record: keeps a request's features, for snapshots::keep.
  explicit context(const slot& of, int32_t output = FMS_OUTPUT_SCORE, bool record = false) {
    fms_context_options options = make<fms_context_options>();
    options.output = output;
    options.record = record ? 1 : 0;
    check(fms_context_create(of.get(), &options, handle_.out()));
  }

  // Of one sample in the trainer's text format; not within a request.
  float score_text(const std::string& line) {
    float score = 0;
    check(fms_score_text(get(), line.data(), line.size(), &score));
    return score;
  }
  fms_context* get() const noexcept { return handle_.get(); }

 private:
  handle<fms_context, fms_context_destroy> handle_;
};

struct scores {
  std::vector<float> score;     // (items); those behind `done` are not written
  std::vector<uint8_t> status;  // (items), FMS_ITEM_*
  uint64_t done;                // how many were scored before the deadline

  scores() : done(0) {}
};

struct explanation {
  std::vector<fms_term> terms;  // the user's first
  double bias, score;           // all terms and the bias add up to the score, before the link

  explanation() : bias(0), score(0) {}
};

// Begun when it is made, ended when it goes. The context, which it must not outlive, has one at a
// time; all its items are scored by the model that was current when it began.
class request {
 public:
  explicit request(context& in) : context_(in.get()) {
    check(fms_request_begin(context_, nullptr));
  }
  // user: one row, which stands before each item's own.
  request(context& in, const fms_rows& user) : context_(in.get()) {
    check(fms_request_begin(context_, &user));
  }
  ~request() { fms_request_end(context_); }
  request(const request&) = delete;
  request& operator=(const request&) = delete;

  // Returns whether all were scored: false where the deadline came first.
  bool score(const fms_rows& items, scores* out, int64_t deadline_ns = 0) {
    out->score.resize(items.rows);
    out->status.resize(items.rows);
    return score(items, out->score.data(), out->status.data(), &out->done, deadline_ns);
  }
  // scores, status (items.rows); status, done may be nullptr.
  bool score(const fms_rows& items, float* scores, uint8_t* status, uint64_t* done,
             int64_t deadline_ns = 0) {
    return check(fms_score(context_, &items, deadline_ns, scores, status, done)) == FMS_OK;
  }

  explanation explain(const fms_rows& item) {
    explanation e;
    uint64_t count = 0;
    check(fms_explain(context_, &item, nullptr, 0, &count, &e.bias, &e.score));
    e.terms.resize(count);
    check(fms_explain(context_, &item, e.terms.data(), count, &count, &e.bias, &e.score));
    return e;
  }
  // Of the model that the request holds.
  fms_info info() const {
    fms_info info = make<fms_info>();
    check(fms_request_info(context_, &info));
    return info;
  }
  fms_context* get() const noexcept { return context_; }

 private:
  fms_context* context_;
};

// A file of samples for `fmtrain fit`: appears, whole, when it is closed, and never otherwise.
class sample_file {
 public:
  explicit sample_file(const std::string& path, uint32_t hash_seed = 0) {
    check(fms_sample_file_create(path.c_str(), hash_seed, handle_.out()));
  }

  void close() { check(fms_sample_file_close(handle_.release())); }
  fms_sample_file* get() const noexcept { return handle_.get(); }

 private:
  handle<fms_sample_file, fms_sample_file_discard> handle_;
};

// What was scored, kept until it is known what was shown. Any thread.
class snapshots {
 public:
  // max_age: older requests leave; 0: no bound.
  explicit snapshots(uint64_t max_bytes,
                     std::chrono::nanoseconds max_age = std::chrono::nanoseconds(0)) {
    fms_snapshots_options options = make<fms_snapshots_options>();
    options.max_bytes = max_bytes;
    options.max_age_ns = max_age.count();
    check(fms_snapshots_create(&options, handle_.out()));
  }

  // What the request scored so far; its context records, and its items had ids.
  void keep(const request& of, const std::string& request_id) {
    check(fms_snapshots_keep(get(), of.get(), request_id.data(), request_id.size()));
  }
  // sample(const fms_snapshot&) for each shown item that is there; returns how many were. labels
  // (shown) or empty: all 0. What `sample` throws ends the taking and comes out here.
  template <typename F>
  uint64_t take(const std::string& request_id, const std::vector<uint64_t>& shown,
                const std::vector<float>& labels, F sample) {
    receiver<F> to = {&sample, std::exception_ptr()};
    uint64_t found = 0;
    const int32_t code =
        fms_snapshots_take(get(), request_id.data(), request_id.size(), shown.data(),
                           labels_of(shown, labels), shown.size(), &receiver<F>::call, &to, &found);
    if (to.thrown) std::rethrow_exception(to.thrown);
    check(code);
    return found;
  }
  uint64_t take(const std::string& request_id, const std::vector<uint64_t>& shown,
                const std::vector<float>& labels, sample_file& file) {
    uint64_t found = 0;
    check(fms_snapshots_take_to_file(get(), request_id.data(), request_id.size(), shown.data(),
                                     labels_of(shown, labels), shown.size(), file.get(), &found));
    return found;
  }
  fms_snapshots_stats stats() const {
    fms_snapshots_stats stats = make<fms_snapshots_stats>();
    check(fms_snapshots_get_stats(get(), &stats));
    return stats;
  }
  fms_snapshots* get() const noexcept { return handle_.get(); }

 private:
  template <typename F>
  struct receiver {
    F* sample;
    std::exception_ptr thrown;

    static int32_t call(const fms_snapshot* snapshot, void* user) {
      receiver* const to = static_cast<receiver*>(user);
      try {
        (*to->sample)(*snapshot);
        return 0;
      } catch (...) {
        to->thrown = std::current_exception();
        return 1;
      }
    }
  };
  static const float* labels_of(const std::vector<uint64_t>& shown,
                                const std::vector<float>& labels) {
    if (!labels.empty() && labels.size() != shown.size()) {
      throw error(FMS_EINVAL, "labels: one for each item that was shown is needed");
    }
    return labels.empty() ? nullptr : labels.data();
  }

  handle<fms_snapshots, fms_snapshots_destroy> handle_;
};

}  // namespace fmscore

#endif
