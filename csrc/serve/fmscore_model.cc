// The C door's functions on models.

#include <utility>

#include "serve/fmscore_error.h"
#include "serve/fmscore_handles.h"

using namespace fmtrain;

namespace {

std::atomic<uint64_t> models_opened{0};

frozen::residence residence_of(const fms_open_options& how) {
  return (how.flags & FMS_OPEN_COPY) != 0 ? frozen::residence::copied : frozen::residence::mapped;
}

status read_options(const fms_open_options* options, fms_open_options* given) {
  *given = {};
  if (options == nullptr) return {};
  FMTRAIN_TRY(read_struct(options, "options", given));
  if ((given->flags & ~(FMS_OPEN_COPY | FMS_OPEN_UNVERIFIED)) != 0) {
    return {errc::invalid, "options: flags that are none of FMS_OPEN_*"};
  }
  return {};
}

int32_t check_and_give(std::unique_ptr<frozen> file, const fms_open_options& how, fms_model** out) {
  if (how.md5 != nullptr) {
    const status same = file->check_md5(how.md5);
    if (!same.ok()) return fail(same);
  }
  if ((how.flags & FMS_OPEN_UNVERIFIED) == 0) {
    const status verified = file->verify();
    if (!verified.ok()) return fail(verified);
  }
  auto loaded = std::make_shared<loaded_model>();
  loaded->file = std::move(file);
  loaded->serial = ++models_opened;
  auto made = std::make_unique<fms_model>();
  made->held = std::move(loaded);
  *out = made.release();
  return FMS_OK;
}

fms_info info_of(const loaded_model& loaded) {
  const frozen& file = *loaded.file;
  const serving_meta& meta = file.meta();
  fms_info info{};
  info.precision = static_cast<int32_t>(meta.precision);
  info.link = static_cast<int32_t>(meta.link);
  info.hash_seed = meta.hash_seed;
  info.name = meta.name.c_str();
  info.version = meta.version.c_str();
  info.schema = file.plan() == nullptr ? "" : file.plan()->text().c_str();
  info.trained_until = meta.trained_until;
  info.features = meta.features;
  info.factors = meta.factors;
  info.file_bytes = file.file_bytes();
  info.golden_rows = file.golden().size();
  info.prior = meta.prior;
  info.down_sampling_rate = meta.down_sampling_rate;
  info.golden_shift = meta.golden_shift;
  info.serial = loaded.serial;
  return info;
}

}  // namespace

int32_t fms_model_open(const char* path, const fms_open_options* options, fms_model** out) {
  return guarded([&] {
    if (path == nullptr) return null_pointer("path");
    if (out == nullptr) return null_pointer("out");
    fms_open_options how;
    status done = read_options(options, &how);
    std::unique_ptr<frozen> file;
    if (done.ok()) done = frozen::open(path, residence_of(how), &file);
    return done.ok() ? check_and_give(std::move(file), how, out) : fail(done);
  });
}

int32_t fms_model_open_memory(const void* bytes, uint64_t size, const fms_open_options* options,
                              fms_model** out) {
  return guarded([&] {
    if (bytes == nullptr) return null_pointer("bytes");
    if (out == nullptr) return null_pointer("out");
    fms_open_options how;
    status done = read_options(options, &how);
    std::unique_ptr<frozen> file;
    if (done.ok()) done = frozen::open_memory(bytes, size, residence_of(how), "memory", &file);
    return done.ok() ? check_and_give(std::move(file), how, out) : fail(done);
  });
}

int32_t fms_model_verify(fms_model* model) {
  return guarded([&] {
    if (model == nullptr) return null_pointer("model");
    return code_of(model->held->file->verify());
  });
}

int32_t fms_model_info(const fms_model* model, fms_info* info) {
  return guarded([&] {
    if (model == nullptr) return null_pointer("model");
    return write_struct(info_of(*model->held), "info", info);
  });
}

int32_t fms_request_info(const fms_context* context, fms_info* info) {
  return guarded([&] {
    if (context == nullptr) return null_pointer("context");
    if (!context->held.in_request()) {
      return fail(FMS_ESTATE, "the context is in no request: call fms_request_begin first");
    }
    return write_struct(info_of(context->held.model()), "info", info);
  });
}

int32_t fms_model_retain(fms_model* model) {
  if (model == nullptr) return null_pointer("model");
  model->references.fetch_add(1, std::memory_order_relaxed);
  return FMS_OK;
}

int32_t fms_model_release(fms_model* model) {
  return guarded([&] {
    if (model == nullptr) return FMS_OK;
    if (model->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete model;
    return FMS_OK;
  });
}
