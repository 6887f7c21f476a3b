// Within a request no memory is asked for, once the context has seen rows as large.
#include "encode_support.h"
#include "row_host.h"
#include "serve/row_features.h"
#include "serve_support.h"

namespace {

thread_local bool counting = false;
thread_local uint64_t allocations = 0;

}  // namespace

// Whatever asks, from operator new to the C library itself, comes here: the executable's symbols
// come before the library's. A sanitizer has its own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GLIBC__) && \
    !defined(__clang__)
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_realloc(void* p, size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void* malloc(size_t size) {
  allocations += counting;
  return __libc_malloc(size);
}
void* realloc(void* p, size_t size) {
  allocations += counting;
  return __libc_realloc(p, size);
}
void* calloc(size_t count, size_t size) {
  allocations += counting;
  return __libc_calloc(count, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  allocations += counting;
  return __libc_memalign(alignment, size);
}
}
constexpr bool counts = true;
#else
constexpr bool counts = false;
#endif

namespace fmtrain {
namespace {

uint64_t allocations_of(fms_context* context, const random_request& request) {
  const fms_rows user = request.user_rows(), items = request.item_rows();
  std::vector<float> scores(items.rows);
  std::vector<uint8_t> status(items.rows);
  uint64_t done = 0;
  allocations = 0;
  counting = true;
  const int32_t begun = fms_request_begin(context, &user);
  const int32_t scored =
      fms_score(context, &items, fms_now_ns() + 1000000000000, scores.data(), status.data(), &done);
  const int32_t ended = fms_request_end(context);
  counting = false;
  CHECK(begun == FMS_OK && scored == FMS_OK && ended == FMS_OK && done == items.rows);
  return allocations;
}

TEST(the_count_counts) {
  allocations = 0;
  counting = true;
  delete new std::string(100, 'x');
  counting = false;
  CHECK_EQ(allocations > 0, counts);
}

TEST(requests_ask_for_no_memory) {
  for (const precision p : {precision::float32, precision::float16, precision::int8}) {
    const std::unique_ptr<model> m = random_model("8");
    const std::string bytes = frozen_bytes(*m, p);
    fms_slot_options how;
    FMS_INIT(how);
    how.item_cache_bytes = 1 << 20;
    fms_slot* slot = nullptr;
    fms_context* context = nullptr;
    CHECK_EQ(fms_slot_create(&how, &slot), FMS_OK);
    CHECK_EQ(fms_context_create(slot, nullptr, &context), FMS_OK);
    for (int swap = 0; swap < 2; ++swap) {
      fms_open_options open;
      FMS_INIT(open);
      open.flags = FMS_OPEN_COPY;
      fms_model* model = nullptr;
      CHECK_EQ(fms_model_open_memory(bytes.data(), bytes.size(), &open, &model), FMS_OK);
      CHECK_EQ(fms_slot_publish(slot, model), FMS_OK);
      CHECK_EQ(fms_model_release(model), FMS_OK);
      test_random draw(1);
      const random_request large(draw, 200, 100, 100);
      const uint64_t first = allocations_of(context, large);
      CHECK(swap == 1 || !counts || first > 0);
      for (int i = 0; i < 20; ++i) {
        CHECK_EQ(allocations_of(context, random_request(draw, 100, 80, 90)), 0u);
      }
    }
    CHECK_EQ(fms_context_destroy(context), FMS_OK);
    CHECK_EQ(fms_slot_destroy(slot), FMS_OK);
  }
}

uint64_t allocations_of(row_features& made, batch& out, const fms_rows& user,
                        const fms_rows& items) {
  allocations = 0;
  counting = true;
  out.clear();
  bool fine = made.set_user(&user, out).ok() && made.begin_items(items).ok();
  for (uint64_t row = 0; row < items.rows; ++row) {
    uint32_t rest = 0;
    out.clear();
    fine = made.add_item(row, out, &rest).kind == line_kind::sample && fine;
  }
  counting = false;
  CHECK(fine);
  return allocations;
}

TEST(raw_rows_ask_for_no_memory) {
  const auto plan = columns_of(
      "'u': {'role': 'user'}, 'story': {'type': 'text', 'role': 'user'}, 'i': {'role': 'item'},"
      "'tags': {'type': 'list', 'role': 'item'}, 'n': {'type': 'number'}, 'device': {}",
      ", 'features': {'x': {'cross': ['story', 'tags']}, 'y': {'cross': ['u', 'i', 'device']}}");
  const std::string large(20000, 'x');
  row_host host(3);
  host.texts("i", {large, "a b:", "c"});
  host.lists("tags", {{"p", "a longer tag of many bytes", large}, {"q"}, {}});
  host.add("n", FMS_COLUMN_INT64, std::vector<int64_t>{1, 2, 3});
  host.add("device", FMS_COLUMN_INT64, std::vector<int64_t>{1, 2, 3});
  row_host user(1);
  user.texts("u", {"someone"});
  user.texts("story", {"Once upon a time " + large});
  const std::string object = "{\"i\": \"" + large + "\", \"tags\": [\"p\", \"q\"], \"n\": 1}";
  const fms_rows items = host.rows(), users = user.rows(), json = host.json({object, "{}", object}),
                 json_user = user.json({R"({"u": "else", "story": "a b", "device": "phone"})"});
  row_features made(*plan);
  batch out;
  for (int round = 0; round < 10; ++round) {
    const uint64_t first = allocations_of(made, out, users, items),
                   second = allocations_of(made, out, json_user, json);
    // Memory in several pieces becomes one by the second row.
    if (round == 0) CHECK(!counts || first > 0);
    if (round > 1) CHECK_EQ(first + second, 0u);
  }
}

}  // namespace
}  // namespace fmtrain
