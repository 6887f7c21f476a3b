// Raw rows through the C ABI: the scores of the trained model for the joined rows, bit by bit.
#include <cstring>

#include "encode/golden.h"
#include "encode_support.h"
#include "row_host.h"
#include "serve_support.h"

namespace fmtrain {
namespace {

const char* const schema_text =
    "{'format': 'tsv', 'columns': {'y': {'role': 'label'}, 'u': {'role': 'user'},"
    "'age': {'type': 'number', 'role': 'user', 'transforms': ['log']},"
    "'i': {'role': 'item'}, 'tags': {'type': 'list', 'role': 'item'},"
    "'price': {'type': 'number', 'role': 'item', 'invalid-as': 'reject'}, 'device': {}},"
    "'features': {'x': {'cross': ['u', 'tags']}, 'z': {'cross': ['device', 'i', 'u']}}}";

struct drawn_row {
  std::string user, item, tsv;
};

drawn_row draw_row(test_random& draw) {
  const auto number = [&draw](uint64_t below) { return std::to_string(draw.below(below)); };
  const std::string u = "u" + number(50), age = number(90) + ".25", i = "i" + number(200),
                    tags = "t" + number(9) + ",t" + number(9), price = "0." + number(1000),
                    device = "d" + number(3);
  return {R"({"u":")" + u + R"(","age":)" + age + R"(,"device":")" + device + "\"}",
          R"({"i":")" + i + R"(","tags":")" + tags + R"(","price":)" + price + "}",
          number(2) + "\t" + u + "\t" + age + "\t" + i + "\t" + tags + "\t" + price + "\t" +
              device + "\n"};
}

std::unique_ptr<model> trained_on_rows(const char* factors) {
  auto m = std::make_unique<model>(hyper_of({{"factors", factors}, {"l1", "0.001"}}), false);
  m->encoded.plan = encoder_of(schema_text);
  row_input input(*m->encoded.plan, row_format::tsv, {false, true});
  parse_options parsing;
  parsing.rows = &input;
  trainer run(*m, {1, true}, parsing);
  test_random draw(1);
  std::string text;
  for (int row = 0; row < 3000; ++row) text += draw_row(draw).tsv;
  feed_all(run.input(), text);
  CHECK_OK(run.finish());
  m->encoded.add_run(input);
  return m;
}

std::string joined(const std::string& user, const std::string& item) {
  return user.substr(0, user.size() - 1) + "," + item.substr(1);
}

float score_alone(const model& m, const std::string& row) {
  batch in;
  CHECK_OK(encode_row(*m.encoded.plan, row, in));
  return score_of(m)(in);
}

bool same(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }

class server {
 public:
  explicit server(const std::string& bytes) {
    fms_model* model = nullptr;
    fms_open_options how;
    FMS_INIT(how);
    how.flags = FMS_OPEN_COPY;
    CHECK_EQ(fms_slot_create(nullptr, &slot_), FMS_OK);
    CHECK_EQ(fms_model_open_memory(bytes.data(), bytes.size(), &how, &model), FMS_OK);
    CHECK_EQ(fms_slot_publish(slot_, model), FMS_OK);
    CHECK_EQ(fms_model_release(model), FMS_OK);
    CHECK_EQ(fms_context_create(slot_, nullptr, &context_), FMS_OK);
  }
  ~server() {
    fms_context_destroy(context_);
    fms_slot_destroy(slot_);
  }
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  std::vector<float> scores(const fms_rows* user, const fms_rows& items,
                            std::vector<uint8_t>* status) {
    std::vector<float> out(items.rows);
    status->assign(items.rows, 99);
    CHECK_EQ(fms_request_begin(context_, user), FMS_OK);
    CHECK_EQ(fms_score(context_, &items, 0, out.data(), status->data(), nullptr), FMS_OK);
    CHECK_EQ(fms_request_end(context_), FMS_OK);
    return out;
  }
  fms_context* context() const { return context_; }

 private:
  fms_slot* slot_ = nullptr;
  fms_context* context_ = nullptr;
};

TEST(users_and_items_score_as_the_joined_rows) {
  for (const char* const factors : {"0", "8"}) {
    const std::unique_ptr<model> m = trained_on_rows(factors);
    server host(frozen_bytes(*m));
    test_random draw(2);
    std::vector<uint8_t> status;
    for (int request = 0; request < 20; ++request) {
      const std::string user = draw_row(draw).user;
      std::vector<std::string> items, whole;
      for (int i = 0; i < 37; ++i) {
        items.push_back(draw_row(draw).item);
        whole.push_back(joined(user, items.back()));
      }
      row_host memory(1);
      const fms_rows user_row = memory.json({user}), item_rows = memory.json(items),
                     whole_rows = memory.json(whole);
      const std::vector<float> once = host.scores(&user_row, item_rows, &status);
      const std::vector<float> each = host.scores(nullptr, whole_rows, &status);
      for (size_t i = 0; i < items.size(); ++i) {
        const float expected = score_alone(*m, whole[i]);
        CHECK(same(once[i], expected));
        CHECK(same(each[i], expected));
        CHECK_EQ(int{status[i]}, FMS_ITEM_OK);
      }
    }
  }
}

TEST(a_bad_row_is_an_item_of_its_own) {
  const std::unique_ptr<model> m = trained_on_rows("2");
  server host(frozen_bytes(*m));
  row_host memory(3), users(1);
  memory.texts("i", {"i1", "i2", "i3"});
  memory.texts("price", {"0.5", "much", "2"});
  users.texts("u", {"u7"});
  const fms_rows items = memory.rows(), user = users.rows();
  std::vector<uint8_t> status;
  const std::vector<float> found = host.scores(&user, items, &status);
  CHECK_EQ(std::string(fms_last_error()),
           "items: row 1: price: the column's rule rejects the cell: 'much'");
  CHECK((status == std::vector<uint8_t>{FMS_ITEM_OK, FMS_ITEM_BAD, FMS_ITEM_OK}));
  CHECK(same(found[0], score_alone(*m, R"({"u":"u7","i":"i1","price":0.5})")));
  CHECK(same(found[2], score_alone(*m, R"({"u":"u7","i":"i3","price":2})")));

  const fms_rows no_user = memory.json({"[]"});
  CHECK_EQ(fms_request_begin(host.context(), &no_user), FMS_EINVAL);
  CHECK_EQ(std::string(fms_last_error()), "user: the row is not a JSON object, at byte 0");
  memory.columns()[0].offsets = nullptr;
  CHECK_EQ(fms_request_begin(host.context(), &user), FMS_OK);
  float scores[3];
  CHECK_EQ(fms_score(host.context(), &items, 0, scores, nullptr, nullptr), FMS_EINVAL);
  CHECK_EQ(std::string(fms_last_error()), "items: column 'i': offsets is a null pointer");
  CHECK_EQ(fms_request_end(host.context()), FMS_OK);
}

}  // namespace
}  // namespace fmtrain
