// The C door's functions on snapshots and on files of samples.

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "serve/fmscore_error.h"
#include "serve/fmscore_handles.h"
#include "serve/sample_file.h"
#include "serve/snapshots.h"

using namespace fmtrain;

struct fms_snapshots {
  snapshots held;
};

struct fms_sample_file {
  sample_file held;
};

namespace {

// What of a request's id a message shows.
constexpr size_t shown_bytes_max = 80;

status read_id(const void* request_id, uint64_t bytes, std::string_view* out) {
  if (bytes == 0) return {errc::invalid, "request_id is empty"};
  if (request_id == nullptr) return {errc::invalid, "request_id is a null pointer"};
  if (bytes > request_id_bytes_max) {
    return {errc::invalid, "request_id has " + std::to_string(bytes) + " bytes: at most " +
                               std::to_string(request_id_bytes_max)};
  }
  *out = {static_cast<const char*>(request_id), bytes};
  return {};
}

// What was shown of a request, as the host says it.
struct shown_items {
  const uint64_t* items;
  const float* labels;
  uint64_t count;
  uint64_t* found;
};

// Takes the request out and visits the shown items, without a lock.
status take(fms_snapshots& from, const void* request_id, uint64_t bytes, const shown_items& shown,
            const kept_request::visitor& visit) {
  if (shown.found != nullptr) *shown.found = 0;
  std::string_view id;
  FMTRAIN_TRY(read_id(request_id, bytes, &id));
  if (shown.items == nullptr && shown.count > 0) {
    return {errc::invalid, "shown is a null pointer"};
  }
  kept_request request;
  if (!from.held.take(id, now_ns(), &request)) {
    return {errc::not_found, "there is no request \"" + std::string(id.substr(0, shown_bytes_max)) +
                                 "\": it was never kept, was taken already, or had to leave by "
                                 "max_age_ns or max_bytes"};
  }
  const size_t found = request.for_each(shown.items, shown.labels, shown.count, visit);
  if (shown.found != nullptr) *shown.found = found;
  return {};
}

// Before the request is taken: one that cannot be written must not be lost.
status check_labels(const float* labels, uint64_t count) {
  for (uint64_t i = 0; labels != nullptr && i < count; ++i) {
    if (is_label(labels[i])) continue;
    return {errc::invalid, "labels: that of shown item " + std::to_string(i) + " is " +
                               std::to_string(labels[i]) + ": it must be from 0 to 1"};
  }
  return {};
}

}  // namespace

int32_t fms_snapshots_create(const fms_snapshots_options* options, fms_snapshots** out) {
  return guarded([&] {
    if (out == nullptr) return null_pointer("out");
    fms_snapshots_options given;
    const status read = read_struct(options, "options", &given);
    if (!read.ok()) return fail(read);
    if (given.max_bytes == 0) {
      return fail(FMS_EINVAL, "options: max_bytes is 0: nothing could be kept");
    }
    if (given.max_age_ns < 0) return fail(FMS_EINVAL, "options: max_age_ns is negative");
    *out = new fms_snapshots{{given.max_bytes, given.max_age_ns}};
    return FMS_OK;
  });
}

int32_t fms_snapshots_keep(fms_snapshots* snapshots, const fms_context* context,
                           const void* request_id, uint64_t request_id_bytes) {
  return guarded([&] {
    if (snapshots == nullptr) return null_pointer("snapshots");
    if (context == nullptr) return null_pointer("context");
    std::string_view id;
    const status read = read_id(request_id, request_id_bytes, &id);
    if (!read.ok()) return fail(read);
    if (!context->held.in_request()) {
      return fail(FMS_ESTATE, "the context is in no request: keep before fms_request_end");
    }
    const request_record* const record = context->held.record();
    if (record == nullptr) {
      return fail(FMS_ESTATE, "the context does not record: set fms_context_options.record");
    }
    if (record->item.empty()) {
      return fail(FMS_ESTATE,
                  "there is nothing to keep: the request scored no item that has one of item_ids");
    }
    return code_of(snapshots->held.keep(id, *record, now_ns()));
  });
}

int32_t fms_snapshots_take(fms_snapshots* snapshots, const void* request_id,
                           uint64_t request_id_bytes, const uint64_t* shown, const float* labels,
                           uint64_t shown_count, fms_snapshot_callback callback, void* user,
                           uint64_t* found) {
  return guarded([&] {
    if (snapshots == nullptr) return null_pointer("snapshots");
    if (callback == nullptr) return null_pointer("callback");
    return code_of(take(*snapshots, request_id, request_id_bytes,
                        {shown, labels, shown_count, found}, [&](const snapshot_sample& sample) {
                          const fms_snapshot snapshot = {
                              sizeof(fms_snapshot), sample.label, sample.item,
                              sample.features,      sample.id,    sample.x};
                          return callback(&snapshot, user) == 0;
                        }));
  });
}

int32_t fms_snapshots_take_to_file(fms_snapshots* snapshots, const void* request_id,
                                   uint64_t request_id_bytes, const uint64_t* shown,
                                   const float* labels, uint64_t shown_count, fms_sample_file* file,
                                   uint64_t* found) {
  return guarded([&] {
    if (snapshots == nullptr) return null_pointer("snapshots");
    if (file == nullptr) return null_pointer("file");
    status done = check_labels(labels, shown_count);
    if (!done.ok()) return fail(done);
    const std::string_view id(static_cast<const char*>(request_id), request_id_bytes);
    status written;
    done = take(*snapshots, request_id, request_id_bytes, {shown, labels, shown_count, found},
                [&](const snapshot_sample& sample) {
                  written = file->held.add(id, sample);
                  return written.ok();
                });
    return code_of(done.ok() ? written : done);
  });
}

int32_t fms_snapshots_get_stats(fms_snapshots* snapshots, fms_snapshots_stats* stats) {
  return guarded([&] {
    if (snapshots == nullptr) return null_pointer("snapshots");
    const snapshot_stats now = snapshots->held.stats(now_ns());
    fms_snapshots_stats all{};
    all.requests = now.requests;
    all.bytes = now.bytes;
    all.kept = now.kept;
    all.taken = now.taken;
    all.expired = now.expired;
    all.evicted = now.evicted;
    return write_struct(all, "stats", stats);
  });
}

int32_t fms_snapshots_destroy(fms_snapshots* snapshots) {
  delete snapshots;
  return FMS_OK;
}

int32_t fms_sample_file_create(const char* path, uint32_t hash_seed, fms_sample_file** out) {
  return guarded([&] {
    if (path == nullptr) return null_pointer("path");
    if (out == nullptr) return null_pointer("out");
    std::unique_ptr<fms_sample_file> made(new fms_sample_file{sample_file(hash_seed)});
    const status opened = made->held.open(path);
    if (!opened.ok()) return fail(opened);
    *out = made.release();
    return FMS_OK;
  });
}

int32_t fms_sample_file_close(fms_sample_file* file) {
  return guarded([&] {
    if (file == nullptr) return null_pointer("file");
    const std::unique_ptr<fms_sample_file> own(file);
    return code_of(own->held.close());
  });
}

int32_t fms_sample_file_discard(fms_sample_file* file) {
  delete file;
  return FMS_OK;
}
