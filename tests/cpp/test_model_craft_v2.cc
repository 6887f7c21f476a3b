// Model files of version 2 made by hand, as test_model_craft.cc does it for version 1: heads and
// lanes apart, tails, rows without lanes.
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "model_bytes.h"
#include "support.h"

namespace fmtrain {
namespace {

using namespace model_bytes;

const std::string lr_header = "factors=0\nnames=0\ntail=0\nrows=2\n";
const std::string lr_heads = lr_row(1, 1, 2) + lr_row(2, -3, 0.5f);
const std::string tailed_header = "factors=0\nnames=0\ntail=1\nrows=2\n";
const std::string fm_header = "factors=2\nnames=0\ntail=1\nrows=3\n";
// The second row has no lanes and was seen twice.
const std::string fm_heads = lr_row(1, 1, 2) + tail(lanes_follow, 5) + lr_row(2, 3, 4) +
                             tail(2, 6) + lr_row(3, 5, 6) + tail(lanes_follow, 7);
const std::string fm_lanes = lane(.5f, 1) + lane(-.5f, 2) + lane(0, 0) + lane(7, 8);

std::string file_of(const std::string& header, const std::string& payload, uint64_t items = 2,
                    uint32_t version = 2) {
  return front(header, version) + block(heads_block, items, payload) + block(end_block, items, "");
}

std::unique_ptr<model> read(const std::string& file) {
  std::unique_ptr<model> m;
  CHECK_OK(model_of(file, &m));
  CHECK(m != nullptr);
  return m;
}

TEST(a_file_of_version_2) {
  const std::unique_ptr<model> m =
      read(file_of(lr_header + "alpha=0.1\nbias.z=-2.5\nbias.n=4\nseen.samples=3\n", lr_heads));
  CHECK_EQ(m->rows().rows(), 2u);
  CHECK(!m->rows().has_tail());
  CHECK_EQ(m->bias.z, -2.5);
  CHECK_EQ(m->seen.samples, 3u);
  const row_ref row = m->rows().find(2);
  CHECK_EQ(row.w().z, -3.0f);
  CHECK_EQ(row.w().n, 0.5f);
  // Two blocks are as good as one.
  const std::string two = front(lr_header, 2) + block(heads_block, 1, lr_heads.substr(0, 16)) +
                          block(heads_block, 1, lr_heads.substr(16)) + block(end_block, 2, "");
  CHECK(bytes_of(*read(two)) == bytes_of(*read(file_of(lr_header, lr_heads))));
  // And none is as good as an empty one.
  CHECK_EQ(read(front("rows=0\ntail=1\n", 2) + block(end_block, 0, ""))->rows().rows(), 0u);
  CHECK_EQ(read(file_of("rows=0\ntail=1\n", "", 0))->rows().rows(), 0u);
}

void check_fm(const model& m) {
  CHECK_EQ(m.rows().rows(), 3u);
  const row_ref first = m.rows().find(1), second = m.rows().find(2), third = m.rows().find(3);
  const float in_first[] = {1, 2, .5f, -.5f, 1, 2}, in_third[] = {5, 6, 0, 7, 0, 8};
  for (size_t i = 0; i < 6; ++i) {
    CHECK_EQ(value_of(first, i, 2), in_first[i]);
    CHECK_EQ(value_of(third, i, 2), in_third[i]);
  }
  CHECK_EQ(second.w().n, 4.0f);
  CHECK(second.v == nullptr);
  CHECK_EQ(m.rows().tail_of(second).link, 2u);
  CHECK_EQ(m.rows().tail_of(second).stamp, 6u);
  CHECK_EQ(m.rows().tail_of(third).link, lanes_follow);
  CHECK_EQ(m.rows().tail_of(third).stamp, 7u);
}

TEST(rows_with_lanes_and_without) {
  check_fm(*read(file_of(fm_header + "v_min_count=3\n", fm_heads + fm_lanes, 3)));
  // A block's lanes are those of its own rows.
  check_fm(*read(
      front(fm_header, 2) + block(heads_block, 2, fm_heads.substr(0, 48) + fm_lanes.substr(0, 16)) +
      block(heads_block, 1, fm_heads.substr(48) + fm_lanes.substr(16)) + block(end_block, 3, "")));
  // The count goes on where it was.
  const std::unique_ptr<model> m =
      read(file_of(fm_header + "v_min_count=3\n", fm_heads + fm_lanes, 3));
  const row_ref seen = m->rows().sight(m->rows().find(2), [](row_ref) {});
  CHECK(seen.v != nullptr);
}

TEST(names_and_stored_weights) {
  const std::string named = "factors=2\nnames=1\ntail=1\nrows=3\nstored.bias=0.5\n";
  std::string weights;
  for (const uint64_t id : {3, 1, 2}) weights += raw(id) + raw(1.0f) + raw(2.0f) + raw(3.0f);
  const std::string rows = block(heads_block, 3, fm_heads + fm_lanes);
  const std::string names =
      block(names_block, 3, raw(uint32_t{1}) + raw(uint32_t{0}) + raw(uint32_t{2}) + "abc");
  const std::string rest = block(stored_block, 3, weights) + block(end_block, 3, "");
  const std::unique_ptr<model> m = read(front(named, 2) + rows + names + rest);
  check_fm(*m);
  std::string all;
  m->rows().for_each([&](row_ref row, std::string_view name) {
    all.append(std::to_string(row.id())).append(name).append(" ");
  });
  CHECK_EQ(all, std::string("1a 2 3bc "));
  float w = 0, v[2] = {0, 0};
  CHECK(m->stored_weights_of(2, &w, v));  // of the row that has no lanes
  CHECK_EQ(v[1], 3.0f);
  check_refused(front(named, 2) + rows + rest, "without a row");
  check_refused(front(named, 2) + rows + block(end_block, 3, ""), "does not hold all");
  check_refused(front(named, 2) + rows + rows + names + rest, "names are missing");
  check_refused(front(named, 2) + names + rest, "names does not follow");
}

TEST(rows_that_expire) {
  const std::string heads = lr_row(1, 1, 1) + tail(0, 1u << 24 | 9) + lr_row(2, 1, 1) + tail(0, 8);
  const std::unique_ptr<model> m =
      read(file_of(tailed_header + "expire_after=40960 user_=4096 a=b=0\n", heads));
  CHECK_EQ(m->expiry().text(), std::string("40960 user_=4096 a=b=0"));
  CHECK_EQ(m->rows().tail_of(m->rows().find(1)).stamp, 1u << 24 | 9);
  m->set_time(11);
  CHECK_EQ(m->expire(), 1u);
  CHECK(m->rows().find(2));
  // A group that no rule has any more: as everybody.
  const std::unique_ptr<model> other =
      read(file_of(tailed_header + "expire_after=40960\n",
                   lr_row(1, 1, 1) + tail(0, 0xFF000009) + lr_row(2, 1, 1) + tail(0, 0)));
  other->set_time(11);
  CHECK_EQ(other->expire(), 1u);
  CHECK(other->rows().find(1));
}

TEST(headers_that_do_not_fit_the_rows) {
  const char* const tail_does_not = "its header's tail does not fit its factors";
  check_refused(file_of("factors=2\ntail=0\nrows=3\n", fm_heads + fm_lanes, 3), tail_does_not);
  check_refused(file_of("factors=2\nrows=3\n", fm_heads + fm_lanes, 3), tail_does_not);
  check_refused(file_of(lr_header + "expire_after=30d\n", lr_heads), "they have no tail");
  check_refused(file_of(tailed_header + "expire_after=30\tdays\n", ""), "30\tdays is not allowed");
  check_refused(file_of(tailed_header + "expire_after=30d a=5\n", ""), "cannot be mixed");
  check_refused(file_of(tailed_header + "expire_after=30d  5d\n", ""), "is not allowed");
  // Tails that the header does not tell of, and none where it does.
  const std::string tailed = lr_row(1, 1, 1) + tail(0, 0) + lr_row(2, 1, 1) + tail(0, 0);
  CHECK_EQ(read(file_of(tailed_header, tailed))->rows().rows(), 2u);
  check_refused(file_of(lr_header, tailed), "a block of rows has the wrong size");
  check_refused(file_of(tailed_header, lr_heads), "a block of rows has the wrong size");
  for (const char* const rows : {"1", "3", "0", "1000000000000"}) {
    check_refused(file_of("factors=0\nrows=" + std::string(rows) + "\n", lr_heads),
                  "it does not hold all of its rows");
  }
}

TEST(blocks_of_another_version) {
  check_refused(front(lr_header, 2) + block(rows_block, 2, lr_heads) + block(end_block, 2, ""),
                "a block of unknown kind");
  check_refused(file_of("factors=0\nrows=2\n", lr_heads, 2, 1), "a block of unknown kind");
  std::unique_ptr<model> m;
  const status newer = model_of(file_of(lr_header, lr_heads, 2, 5), &m);
  CHECK_EQ(newer.code(), errc::version);
  CHECK_EQ(newer.message(),
           std::string("the-file: written by a newer fmtrain: model format version "
                       "5, this one reads up to 4"));
}

TEST(heads_and_lanes_of_the_wrong_size) {
  const char* const wrong = "a block of rows has the wrong size";
  for (const size_t cut : {1, 8, 16, 32, 33, 64}) {
    const std::string whole = fm_heads + fm_lanes;
    check_refused(file_of(fm_header, whole.substr(0, whole.size() - cut), 3), wrong);
    check_refused(file_of(fm_header, whole + std::string(cut, '\0'), 3), wrong);
  }
  check_refused(file_of(fm_header, fm_heads, 3), wrong);
  check_refused(file_of(fm_header, "", 3), wrong);
  check_refused(file_of(fm_header, fm_heads + fm_lanes, 0), wrong);
  check_refused(file_of(fm_header, fm_heads + fm_lanes, 2), wrong);
  check_refused(file_of(lr_header, lr_heads.substr(0, 31)), wrong);
  check_refused(file_of(lr_header, lr_heads + "x"), wrong);
  // 24 bytes times so many are, in 64 bits, as many as there are.
  check_refused(file_of(fm_header, fm_heads + fm_lanes, (uint64_t{1} << 61) + 3), wrong);
  check_refused(file_of(lr_header, lr_heads, (uint64_t{1} << 60) + 2), wrong);
  check_refused(file_of(lr_header, lr_heads, ~uint64_t{0}), wrong);
}

TEST(tails_that_make_no_sense) {
  const char* const none = "a row's tail makes no sense";
  const std::string second = lr_row(2, 1, 1) + tail(0, 0);
  // Lanes where there are no factors, with and without room for them.
  check_refused(file_of(tailed_header, lr_row(1, 1, 1) + tail(lanes_follow, 0) + second), none);
  check_refused(file_of(tailed_header,
                        lr_row(1, 1, 1) + tail(lanes_follow, 0) + second + std::string(16, '\0')),
                none);
  // A lock that somebody held, lanes that have a number or a count.
  for (const uint32_t link : {1u << 31, 1u << 31 | 5, 1u << 31 | lanes_follow, lanes_follow | 1}) {
    check_refused(file_of(tailed_header, lr_row(1, 1, 1) + tail(link, 0) + second), none);
    std::string heads = fm_heads;
    put(heads, 16, link);
    check_refused(file_of(fm_header, heads + fm_lanes, 3), none);
  }
  // The largest count, and a stamp of all bits.
  const std::unique_ptr<model> m =
      read(file_of(tailed_header, lr_row(1, 1, 1) + tail(lanes_follow - 1, ~0u) + second));
  CHECK_EQ(m->rows().tail_of(m->rows().find(1)).link, lanes_follow - 1);
  CHECK_EQ(m->rows().tail_of(m->rows().find(1)).stamp, ~0u);
}

TEST(numbers_that_are_none) {
  const char* const infinite = "a number in it is not finite";
  const char* const negative = "an n in it is negative";
  for (const float bad : {INFINITY, -INFINITY, NAN}) {
    check_refused(file_of(lr_header, lr_row(1, 1, 1) + lr_row(2, bad, 1)), infinite);
    check_refused(file_of(lr_header, lr_row(1, 1, 1) + lr_row(2, 1, bad)), infinite);
    for (size_t at = 0; at < fm_lanes.size(); at += sizeof bad) {
      std::string lanes = fm_lanes;
      put(lanes, at, bad);
      check_refused(file_of(fm_header, fm_heads + lanes, 3), infinite);
    }
  }
  check_refused(file_of(lr_header, lr_row(1, 1, 1) + lr_row(2, 1, -1)), negative);
  for (size_t at = sizeof(float); at < fm_lanes.size(); at += 2 * sizeof(float)) {
    std::string lanes = fm_lanes;
    put(lanes, at, -1.0f);
    check_refused(file_of(fm_header, fm_heads + lanes, 3), negative);
  }
}

TEST(a_feature_twice) {
  const char* const twice = "a feature stands in it twice";
  check_refused(file_of(lr_header, lr_row(7, 1, 1) + lr_row(7, 1, 1)), twice);
  const std::string heads = lr_row(7, 1, 1) + tail(lanes_follow, 0) + lr_row(7, 1, 1) + tail(1, 0);
  check_refused(file_of("factors=2\ntail=1\nrows=2\n", heads + lane(0, 0) + lane(0, 0)), twice);
  const std::string rows = block(heads_block, 2, lr_heads);
  check_refused(front(lr_header, 2) + rows + rows + block(end_block, 2, ""), twice);
}

TEST(names_that_do_not_fit) {
  const std::string named = front("factors=0\nnames=1\ntail=0\nrows=2\n", 2);
  const std::string rows = block(heads_block, 2, lr_heads), end = block(end_block, 2, "");
  const std::string sizes = raw(uint32_t{1}) + raw(uint32_t{2});
  const std::string names = block(names_block, 2, sizes + "abc");
  CHECK(read(named + rows + names + end)->rows().has_names());
  check_refused(named + rows + end, "it does not hold all of its rows");
  check_refused(named + rows + rows + names + end, "names are missing");
  check_refused(named + rows + block(names_block, 2, sizes + "ab") + end, "outside its block");
  check_refused(named + rows + block(names_block, 2, sizes + "abcd") + end, "wrong size");
  check_refused(front(lr_header, 2) + rows + names + end, "names does not follow");
}

// Allows this process no more than so much address space beyond what it has, where the system tells
// how much that is.
class memory_limit {
 public:
  explicit memory_limit(uint64_t more) {
    CHECK_EQ(::getrlimit(RLIMIT_AS, &before_), 0);
    std::ifstream told("/proc/self/statm");
    uint64_t pages = 0;
    if (!(told >> pages)) return;
    rlimit now = before_;
    now.rlim_cur = pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) + more;
    CHECK_EQ(::setrlimit(RLIMIT_AS, &now), 0);
  }
  ~memory_limit() { CHECK_EQ(::setrlimit(RLIMIT_AS, &before_), 0); }

 private:
  rlimit before_{};
};

// Neither rows nor a block get memory on the word of a small file.
TEST(promises_that_a_small_file_cannot_keep) {
  const memory_limit limit(uint64_t{400} << 20);
  const temporary_folder folder;
  for (const char* const rows : {"1000000000000", "9007199254740992"}) {
    for (const char* const factors : {"0", "1024"}) {
      for (const uint32_t version : {1u, 2u}) {
        const std::string header = "factors=" + std::string(factors) + "\nnames=1\nrows=" + rows +
                                   (version == 2 && factors[0] != '0' ? "\ntail=1\n" : "\n");
        const std::string file = front(header, version) + block(end_block, 0, "");
        check_refused(file, "it does not hold all of its rows");
        write_file(folder.path("m"), file);
        std::unique_ptr<model> m;
        CHECK_EQ(load_model(folder.path("m"), &m).code(), errc::format);
      }
    }
  }
  for (const uint64_t promised : {uint64_t{1} << 26, (uint64_t{1} << 26) + 1, uint64_t{1} << 62}) {
    std::string head = block(heads_block, promised / 16, "");
    put(head, 8, promised);
    put(head, 24, crc32c(0, head.data(), 24));
    check_refused(front(lr_header, 2) + head, "block");
  }
}

}  // namespace
}  // namespace fmtrain
