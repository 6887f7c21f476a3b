// What the C door says of wrong arguments, wrong times and wrong files.
#include <limits>

#include "fmscore_host.h"

namespace fmtrain {
namespace {

TEST(a_slot_that_is_gone) {
  const std::unique_ptr<model> m = random_model("4");
  host server(frozen_bytes(*m));
  test_random draw(9);
  const random_request request(draw, 10, 30, 10);
  const fms_rows user = request.user_rows(), items = request.item_rows();
  CHECK_EQ(fms_request_begin(server.context, &user), FMS_OK);
  CHECK_EQ(fms_slot_destroy(server.slot), FMS_OK);
  server.slot = nullptr;
  std::vector<float> scores(30);
  CHECK_EQ(fms_score(server.context, &items, 0, scores.data(), nullptr, nullptr), FMS_OK);
  CHECK(same_bits(scores, request.scores_of(*m)));
  CHECK_EQ(fms_request_end(server.context), FMS_OK);
  check_error(fms_request_begin(server.context, &user), FMS_ESTATE, "the slot was destroyed");
}

TEST(calls_at_the_wrong_time) {
  const std::unique_ptr<model> m = random_model("4");
  host empty(""), server(frozen_bytes(*m));
  test_random draw(10);
  const random_request request(draw, 10, 30, 10);
  const fms_rows user = request.user_rows(), items = request.item_rows();
  float score = 0;
  fms_context* const c = server.context;
  check_error(fms_request_begin(empty.context, &user), FMS_ENOMODEL,
              "no model was published in the slot yet");
  check_error(fms_score_text(empty.context, "1 a", 3, &score), FMS_ENOMODEL,
              "no model was published in the slot yet");
  fms_model* none = nullptr;
  check_error(fms_slot_model(empty.slot, &none), FMS_ENOMODEL,
              "no model was published in the slot yet");
  const std::string outside = "the context is in no request: call fms_request_begin first";
  check_error(fms_score(c, &items, 0, &score, nullptr, nullptr), FMS_ESTATE, outside);
  check_error(fms_request_end(c), FMS_ESTATE, outside);
  fms_info info;
  FMS_INIT(info);
  check_error(fms_request_info(c, &info), FMS_ESTATE, outside);
  CHECK_EQ(fms_request_begin(c, &user), FMS_OK);
  const std::string inside = "the context is in a request: call fms_request_end first";
  check_error(fms_request_begin(c, &user), FMS_ESTATE, inside);
  check_error(fms_score_text(c, "1 a", 3, &score), FMS_ESTATE, inside);
  CHECK_EQ(fms_request_end(c), FMS_OK);
  CHECK(same_bits(server.scores(request), request.scores_of(*m)));
}

TEST(items_that_are_wrong) {
  const std::unique_ptr<model> m = random_model("4");
  host server(frozen_bytes(*m));
  test_random draw(10);
  const random_request request(draw, 10, 30, 10);
  const fms_rows user = request.user_rows(), items = request.item_rows();
  fms_context* const c = server.context;
  CHECK_EQ(fms_request_begin(c, &user), FMS_OK);
  const auto check_refused_rows = [&](const fms_rows& rows, const std::string& message) {
    std::vector<float> scores(rows.rows);
    uint64_t done = 9;
    check_error(fms_score(c, &rows, 0, scores.data(), nullptr, &done), FMS_EINVAL, message);
    CHECK_EQ(done, 0u);
  };
  float score = 0;
  check_error(fms_score(c, nullptr, 0, &score, nullptr, nullptr), FMS_EINVAL,
              "items is a null pointer");
  check_error(fms_score(c, &items, 0, nullptr, nullptr, nullptr), FMS_EINVAL,
              "scores is a null pointer");
  fms_rows wrong = items;
  wrong.struct_size = 8;
  check_refused_rows(wrong, "items: struct_size is 8, not " + std::to_string(sizeof(fms_rows)) +
                                ": set it by FMS_INIT");
  wrong = items;
  wrong.row_ptr = nullptr;
  check_refused_rows(wrong, "items: row_ptr is a null pointer");
  wrong = items;
  wrong.ids = nullptr;
  check_refused_rows(wrong, "items: row_ptr speaks of elements, and ids is a null pointer");
  wrong = items;
  std::vector<uint64_t> falling = request.ptr;
  falling[3] = 1000;
  wrong.row_ptr = falling.data();
  check_refused_rows(
      wrong, "items: row_ptr falls at row 3, from 1000 to " + std::to_string(request.ptr[4]));
  wrong = items;
  wrong.form = 7;
  check_refused_rows(wrong, "items: form 7 is unknown");
  wrong = items;
  wrong.form = FMS_ROWS_JSON;
  check_refused_rows(wrong, "items: text_ptr is a null pointer");
  wrong.text = "{}";
  wrong.text_ptr = request.user_ptr.data();
  wrong.rows = 1;
  check_refused_rows(wrong, "items: they are given in another form than the user");
  CHECK_EQ(fms_request_end(c), FMS_OK);
  CHECK(same_bits(server.scores(request), request.scores_of(*m)));
}

TEST(users_that_are_wrong) {
  const std::unique_ptr<model> m = random_model("4");
  host server(frozen_bytes(*m));
  test_random draw(10);
  const random_request request(draw, 10, 30, 10);
  fms_context* const c = server.context;
  const fms_rows items = request.item_rows();
  check_error(fms_request_begin(nullptr, &items), FMS_EINVAL, "context is a null pointer");
  check_error(fms_request_begin(c, &items), FMS_EINVAL, "user: one row is expected, not 30");
  fms_rows raw = request.user_rows();
  raw.form = FMS_ROWS_JSON;
  raw.text = "{}";
  raw.text_ptr = request.user_ptr.data();
  check_error(fms_request_begin(c, &raw), FMS_EINVAL,
              "the model was exported without a schema: it takes feature ids (FMS_ROWS_IDS) and no "
              "raw rows");
  random_request infinite = request;
  infinite.user_x[4] = std::numeric_limits<float>::infinity();
  const fms_rows user = infinite.user_rows();
  check_error(fms_request_begin(c, &user), FMS_EINVAL, "user: x of feature 4 is not finite");
  // None of them left a request behind, or harmed the next.
  CHECK(same_bits(server.scores(request), request.scores_of(*m)));
}

TEST(models_open_once_they_are_what_they_say) {
  const std::unique_ptr<model> m = random_model("4");
  const std::string bytes = frozen_bytes(*m);
  const temporary_folder folder;
  const std::string path = folder.path("m.fms");
  write_file(path, bytes);
  fms_open_options how;
  FMS_INIT(how);
  fms_model* model = nullptr;
  how.flags = FMS_OPEN_UNVERIFIED;
  CHECK_EQ(fms_model_open(path.c_str(), &how, &model), FMS_OK);
  host server("");
  check_error(fms_slot_publish(server.slot, model), FMS_ESTATE,
              "the model was not verified: call fms_model_verify before publishing it");
  CHECK_EQ(fms_model_verify(model), FMS_OK);
  CHECK_EQ(fms_slot_publish(server.slot, model), FMS_OK);
  fms_info info;
  FMS_INIT(info);
  CHECK_EQ(fms_model_info(model, &info), FMS_OK);
  CHECK_EQ(std::string(info.name), "test");
  CHECK_EQ(std::string(info.version), "1");
  CHECK_EQ(std::string(info.schema), "");
  CHECK_EQ(info.factors, 4u);
  CHECK_EQ(info.file_bytes, bytes.size());
  fms_model* again = nullptr;
  CHECK_EQ(fms_slot_model(server.slot, &again), FMS_OK);
  fms_info same;
  FMS_INIT(same);
  CHECK_EQ(fms_model_info(again, &same), FMS_OK);
  CHECK_EQ(same.serial, info.serial);
  CHECK_EQ(fms_model_release(again), FMS_OK);
  CHECK_EQ(fms_model_retain(model), FMS_OK);
  CHECK_EQ(fms_model_release(model), FMS_OK);
  CHECK_EQ(fms_model_release(model), FMS_OK);
  CHECK_EQ(fms_slot_model(server.slot, &again), FMS_OK);  // the slot's own reference
  CHECK_EQ(fms_model_release(again), FMS_OK);

  how.flags = 0;
  how.md5 = "00112233445566778899aabbccddeeff";
  CHECK_EQ(fms_model_open(path.c_str(), &how, &model), FMS_ECHECKSUM);
  how.md5 = nullptr;
  CHECK_EQ(fms_model_open(folder.path("none").c_str(), &how, &model), FMS_EIO);
  CHECK_EQ(std::string(fms_last_error()),
           folder.path("none") + ": cannot read: No such file or directory");
  write_file(path, bytes.substr(0, bytes.size() - 1));
  CHECK_EQ(fms_model_open(path.c_str(), &how, &model), FMS_EFORMAT);
  std::string later = bytes;
  later[8] = 9;
  write_file(path, later);
  CHECK_EQ(fms_model_open(path.c_str(), &how, &model), FMS_EVERSION);
  how.flags = 64;
  check_error(fms_model_open(path.c_str(), &how, &model), FMS_EINVAL,
              "options: flags that are none of FMS_OPEN_*");
  check_error(fms_model_open(nullptr, nullptr, &model), FMS_EINVAL, "path is a null pointer");
}

}  // namespace
}  // namespace fmtrain
