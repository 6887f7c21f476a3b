// Everything that a host can do wrong with snapshots has its code and its message.
#include "snapshots_host.h"

namespace fmtrain {
namespace {

TEST(what_cannot_be_kept_has_its_message) {
  test_random draw(8);
  snapshot_store snapshots;
  const random_request request(draw, 3, 10, 5);
  recording_host silent(false);
  silent.begin(request);
  silent.score(request.item_rows());
  check_error(snapshots.keep(silent, "r"), FMS_ESTATE,
              "the context does not record: set fms_context_options.record");
  silent.end();

  recording_host server;
  const char* const no_request = "the context is in no request: keep before fms_request_end";
  const char* const nothing =
      "there is nothing to keep: the request scored no item that has one of item_ids";
  check_error(snapshots.keep(server, "r"), FMS_ESTATE, no_request);
  server.begin(request);
  check_error(snapshots.keep(server, "r"), FMS_ESTATE, nothing);
  fms_rows unnamed = request.item_rows();
  unnamed.item_ids = nullptr;
  server.score(unnamed);
  server.score(request.item_rows(), 1);
  check_error(snapshots.keep(server, "r"), FMS_ESTATE, nothing);
  server.score(request.item_rows());
  check_error(snapshots.keep(server, ""), FMS_EINVAL, "request_id is empty");
  check_error(snapshots.keep(server, std::string(4097, 'x')), FMS_EINVAL,
              "request_id has 4097 bytes: at most 4096");
  check_error(fms_snapshots_keep(snapshots.held, server.context, nullptr, 3), FMS_EINVAL,
              "request_id is a null pointer");
  check_error(fms_snapshots_keep(nullptr, server.context, "r", 1), FMS_EINVAL,
              "snapshots is a null pointer");
  check_error(fms_snapshots_keep(snapshots.held, nullptr, "r", 1), FMS_EINVAL,
              "context is a null pointer");
  CHECK_EQ(snapshots.keep(server, std::string(4096, 'x')), FMS_OK);
  server.end();
  check_error(snapshots.keep(server, "r"), FMS_ESTATE, no_request);
  CHECK_EQ(snapshots.stats().kept, 1u);
}

TEST(a_request_that_is_not_there_is_named) {
  test_random draw(9);
  recording_host server;
  snapshot_store snapshots;
  const random_request request(draw, 3, 10, 5);
  server.begin(request);
  server.score(request.item_rows());
  CHECK_EQ(snapshots.keep(server, "r1"), FMS_OK);
  server.end();
  std::vector<taken_sample> got;
  const std::string why =
      ": it was never kept, was taken already, or had to leave by max_age_ns or max_bytes";
  check_error(snapshots.take("r2", request.item, &got), FMS_ENOTFOUND,
              "there is no request \"r2\"" + why);
  CHECK_EQ(snapshots.take("r1", request.item, &got), FMS_OK);
  check_error(snapshots.take("r1", request.item, &got), FMS_ENOTFOUND,
              "there is no request \"r1\"" + why);
  check_error(snapshots.take(std::string(100, 'x'), request.item, &got), FMS_ENOTFOUND,
              "there is no request \"" + std::string(80, 'x') + "\"" + why);
}

// What is wrong with the call is said before the request is taken.
TEST(a_bad_call_takes_nothing) {
  test_random draw(10);
  const temporary_folder folder;
  recording_host server;
  snapshot_store snapshots;
  const random_request request(draw, 3, 10, 5);
  server.begin(request);
  server.score(request.item_rows());
  CHECK_EQ(snapshots.keep(server, "r"), FMS_OK);
  server.end();
  fms_sample_file* file = nullptr;
  CHECK_EQ(fms_sample_file_create(folder.path("shown").c_str(), 0, &file), FMS_OK);
  const uint64_t* const shown = request.item.data();
  const float bad[] = {0, 1, 2};
  uint64_t found = 0;
  check_error(snapshots.take_to(file, "r", {1, 2, 3}, bad, &found), FMS_EINVAL,
              "labels: that of shown item 2 is 2.000000: it must be from 0 to 1");
  check_error(snapshots.take_to(nullptr, "r", {1}, nullptr, &found), FMS_EINVAL,
              "file is a null pointer");
  const auto take = [&](fms_snapshots* from, const char* id, const uint64_t* items,
                        fms_snapshot_callback callback) {
    return fms_snapshots_take(from, id, 1, items, nullptr, 1, callback, nullptr, nullptr);
  };
  const auto call = [](const fms_snapshot*, void*) -> int32_t { return 0; };
  check_error(take(nullptr, "r", shown, call), FMS_EINVAL, "snapshots is a null pointer");
  check_error(take(snapshots.held, nullptr, shown, call), FMS_EINVAL,
              "request_id is a null pointer");
  check_error(take(snapshots.held, "r", nullptr, call), FMS_EINVAL, "shown is a null pointer");
  check_error(take(snapshots.held, "r", shown, nullptr), FMS_EINVAL, "callback is a null pointer");
  CHECK_EQ(take(snapshots.held, "r", shown, call), FMS_OK);
  CHECK_EQ(fms_sample_file_discard(file), FMS_OK);
}

TEST(stores_and_files_that_cannot_be_made) {
  const temporary_folder folder;
  fms_snapshots* held = nullptr;
  fms_snapshots_options options;
  FMS_INIT(options);
  check_error(fms_snapshots_create(&options, &held), FMS_EINVAL,
              "options: max_bytes is 0: nothing could be kept");
  options.max_bytes = 1000;
  options.max_age_ns = -1;
  check_error(fms_snapshots_create(&options, &held), FMS_EINVAL, "options: max_age_ns is negative");
  check_error(fms_snapshots_create(nullptr, &held), FMS_EINVAL, "options is a null pointer");
  check_error(fms_snapshots_create(&options, nullptr), FMS_EINVAL, "out is a null pointer");
  check_error(fms_snapshots_get_stats(nullptr, nullptr), FMS_EINVAL, "snapshots is a null pointer");
  CHECK_EQ(fms_snapshots_destroy(nullptr), FMS_OK);

  fms_sample_file* file = nullptr;
  const std::string path = folder.path("no/such");
  check_error(fms_sample_file_create(path.c_str(), 0, &file), FMS_EIO,
              path + ": cannot write: No such file or directory");
  check_error(fms_sample_file_create(nullptr, 0, &file), FMS_EINVAL, "path is a null pointer");
  check_error(fms_sample_file_create("x", 0, nullptr), FMS_EINVAL, "out is a null pointer");
  check_error(fms_sample_file_close(nullptr), FMS_EINVAL, "file is a null pointer");
  CHECK(held == nullptr && file == nullptr);
}

}  // namespace
}  // namespace fmtrain
