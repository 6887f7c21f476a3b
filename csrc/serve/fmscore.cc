// The C door: arguments checked, exceptions stopped, status -> code, and nothing else.

#include "serve/fmscore.h"

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "base/cpu.h"
#include "feature/hash.h"
#include "serve/fmscore_error.h"
#include "serve/fmscore_handles.h"

#ifndef FMTRAIN_VERSION
#define FMTRAIN_VERSION "0"
#endif

using namespace fmtrain;

namespace {

thread_local char last_error[1024];

int32_t code_of(errc code) {
  switch (code) {
    case errc::ok: return FMS_OK;
    case errc::invalid: return FMS_EINVAL;
    case errc::io:
    case errc::input: return FMS_EIO;
    case errc::format: return FMS_EFORMAT;
    case errc::version: return FMS_EVERSION;
    case errc::memory: return FMS_ENOMEM;
    case errc::checksum: return FMS_ECHECKSUM;
    case errc::selftest: return FMS_ESELFTEST;
    case errc::state: return FMS_ESTATE;
    case errc::no_model: return FMS_ENOMODEL;
    case errc::not_found: return FMS_ENOTFOUND;
  }
  return FMS_EINVAL;
}

}  // namespace

namespace fmtrain {

int32_t fail(int32_t code, const char* message) {
  std::snprintf(last_error, sizeof last_error, "%s", message);
  return code;
}

int32_t fail(const status& failed) {
  return fail(::code_of(failed.code()), failed.message().c_str());
}

int32_t null_pointer(const char* name) {
  char message[128];
  std::snprintf(message, sizeof message, "%s is a null pointer", name);
  return fail(FMS_EINVAL, message);
}

}  // namespace fmtrain

uint32_t fms_abi_version(void) { return FMS_ABI_MAJOR << 16 | FMS_ABI_MINOR; }

const char* fms_build_info(void) {
  switch (best_simd()) {
    case simd::avx512: return "fmscore " FMTRAIN_VERSION " avx512";
    case simd::avx2: return "fmscore " FMTRAIN_VERSION " avx2";
    case simd::baseline: break;
  }
  return "fmscore " FMTRAIN_VERSION " baseline";
}

const char* fms_strerror(int32_t code) {
  switch (code) {
    case FMS_OK: return "done";
    case FMS_PARTIAL: return "the deadline came before all items were scored";
    case FMS_EINVAL: return "an argument is wrong";
    case FMS_EIO: return "a file cannot be opened, read or written";
    case FMS_EFORMAT: return "no serving file, or a cut or damaged one";
    case FMS_EVERSION: return "newer than this library";
    case FMS_ECHECKSUM: return "the file's md5 is another one";
    case FMS_ENOMEM: return "out of memory";
    case FMS_ENOMODEL: return "no model was published";
    case FMS_ESELFTEST: return "golden rows score otherwise here";
    case FMS_ESTATE: return "called at the wrong time";
    case FMS_ENOTFOUND: return "there is no such request";
    default: return "unknown code";
  }
}

const char* fms_last_error(void) { return last_error; }

void fms_clear(void* s, size_t size) {
  const auto own = static_cast<uint32_t>(size);
  std::memset(s, 0, size);
  std::memcpy(s, &own, sizeof own);
}

uint64_t fms_hash(const void* name, uint64_t bytes, uint32_t seed) {
  return hash_name(static_cast<const char*>(name), bytes, seed);
}

int64_t fms_now_ns(void) { return now_ns(); }

// ---- slots ----

int32_t fms_slot_create(const fms_slot_options* options, fms_slot** out) {
  return guarded([&] {
    if (out == nullptr) return null_pointer("out");
    fms_slot_options given{};
    if (options != nullptr) {
      const status read = read_struct(options, "options", &given);
      if (!read.ok()) return fail(read);
    }
    *out = new fms_slot{std::make_shared<slot>(given.item_cache_bytes)};
    return FMS_OK;
  });
}

int32_t fms_slot_publish(fms_slot* slot, fms_model* model) {
  return guarded([&] {
    if (slot == nullptr) return null_pointer("slot");
    if (model == nullptr) return null_pointer("model");
    return code_of(slot->held->publish(model->held));
  });
}

int32_t fms_slot_reclaim(fms_slot* slot, uint64_t* waiting) {
  return guarded([&] {
    if (slot == nullptr) return null_pointer("slot");
    const uint64_t held = slot->held->reclaim();
    if (waiting != nullptr) *waiting = held;
    return FMS_OK;
  });
}

int32_t fms_slot_model(fms_slot* slot, fms_model** out) {
  return guarded([&] {
    if (slot == nullptr) return null_pointer("slot");
    if (out == nullptr) return null_pointer("out");
    std::shared_ptr<const loaded_model> now = slot->held->current();
    if (now == nullptr) return fail(FMS_ENOMODEL, "no model was published in the slot yet");
    auto made = std::make_unique<fms_model>();
    made->held = std::move(now);
    *out = made.release();
    return FMS_OK;
  });
}

int32_t fms_slot_stats(fms_slot* slot, fms_stats* stats) {
  return guarded([&] {
    if (slot == nullptr) return null_pointer("slot");
    const slot::counts now = slot->held->count();
    const auto of = [&now](tally what) { return now.of[static_cast<size_t>(what)]; };
    fms_stats all{};
    all.requests = of(tally::requests);
    all.scored = of(tally::scored);
    all.cut_off = of(tally::cut_off);
    all.nonfinite = of(tally::nonfinite);
    all.bad_rows = of(tally::bad_rows);
    all.features = of(tally::features);
    all.unknown_features = of(tally::unknown_features);
    all.cache_hits = of(tally::cache_hits);
    all.cache_misses = of(tally::cache_misses);
    all.published = now.published;
    all.retired = now.retired;
    return write_struct(all, "stats", stats);
  });
}

int32_t fms_slot_destroy(fms_slot* slot) {
  return guarded([&] {
    if (slot == nullptr) return FMS_OK;
    slot->held->close();
    delete slot;
    return FMS_OK;
  });
}

// ---- requests ----

int32_t fms_context_create(fms_slot* slot, const fms_context_options* options, fms_context** out) {
  return guarded([&] {
    if (slot == nullptr) return null_pointer("slot");
    if (out == nullptr) return null_pointer("out");
    fms_context_options given{};
    if (options != nullptr) {
      const status read = read_struct(options, "options", &given);
      if (!read.ok()) return fail(read);
    }
    if (given.output != FMS_OUTPUT_SCORE && given.output != FMS_OUTPUT_PREDICTION) {
      return fail(FMS_EINVAL, "options: output is none of FMS_OUTPUT_*");
    }
    const context::options how{given.output == FMS_OUTPUT_PREDICTION, given.record != 0};
    *out = new fms_context{{slot->held, how}};
    return FMS_OK;
  });
}

int32_t fms_context_destroy(fms_context* context) {
  return guarded([&] {
    delete context;
    return FMS_OK;
  });
}

int32_t fms_request_begin(fms_context* context, const fms_rows* user) {
  return guarded([&] {
    if (context == nullptr) return null_pointer("context");
    if (user == nullptr) return code_of(context->held.begin(nullptr));
    fms_rows rows;
    const status read = read_struct(user, "user", &rows);
    return read.ok() ? code_of(context->held.begin(&rows)) : fail(read);
  });
}

int32_t fms_score(fms_context* context, const fms_rows* items, int64_t deadline_ns, float* scores,
                  uint8_t* status, uint64_t* done) {
  return guarded([&] {
    if (done != nullptr) *done = 0;
    if (context == nullptr) return null_pointer("context");
    fms_rows rows;
    const fmtrain::status read = read_struct(items, "items", &rows);
    if (!read.ok()) return fail(read);
    if (scores == nullptr && rows.rows > 0) return null_pointer("scores");
    uint64_t scored = 0;
    const fmtrain::status all = context->held.score(rows, deadline_ns, scores, status, &scored);
    if (done != nullptr) *done = scored;
    if (!all.ok()) return fail(all);
    if (!context->held.bad_row().empty()) fail(FMS_OK, context->held.bad_row().c_str());
    return scored < rows.rows ? FMS_PARTIAL : FMS_OK;
  });
}

int32_t fms_request_end(fms_context* context) {
  return guarded([&] {
    if (context == nullptr) return null_pointer("context");
    if (!context->held.in_request()) {
      return fail(FMS_ESTATE, "the context is in no request: call fms_request_begin first");
    }
    context->held.end();
    return FMS_OK;
  });
}

int32_t fms_score_text(fms_context* context, const char* line, uint64_t bytes, float* score) {
  return guarded([&] {
    if (context == nullptr) return null_pointer("context");
    if (line == nullptr && bytes > 0) return null_pointer("line");
    if (score == nullptr) return null_pointer("score");
    return code_of(context->held.score_text({line, static_cast<size_t>(bytes)}, score));
  });
}

int32_t fms_explain(fms_context* context, const fms_rows* item, fms_term* terms, uint64_t capacity,
                    uint64_t* count, double* bias, double* score) {
  return guarded([&] {
    if (context == nullptr) return null_pointer("context");
    if (count == nullptr) return null_pointer("count");
    if (terms == nullptr && capacity > 0) return null_pointer("terms");
    fms_rows rows;
    const status read = read_struct(item, "item", &rows);
    if (!read.ok()) return fail(read);
    explanation why;
    const status explained = context->held.explain(rows, &why);
    if (!explained.ok()) return fail(explained);
    *count = why.terms.size();
    for (size_t i = 0; i < std::min<uint64_t>(capacity, *count); ++i) {
      const term& t = why.terms[i];
      terms[i] = {t.id, t.x, t.known ? 1 : 0, t.linear, t.pairwise};
    }
    if (bias != nullptr) *bias = why.bias;
    if (score != nullptr) *score = why.score;
    return FMS_OK;
  });
}
