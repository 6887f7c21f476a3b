// Model files of version 1 made by hand. The first ones are what it means and are read forever; the
// others have checksums that are right and contents that are not: each must be refused, none may
// crash. Version 2 is in test_model_craft_v2.cc.
#include "model_bytes.h"
#include "support.h"

namespace fmtrain {
namespace {

using namespace model_bytes;

const std::string lr_header = "factors=0\nnames=0\nrows=2\n";

TEST(a_file_of_version_1) {
  std::string file = front(lr_header +
                           "alpha=0.1\nbeta=1\nl1=0.01\nl2=1\nbias.z=-2.5\nbias.n=4\n"
                           "seen.samples=3\nseen.weight_sum=3.5\nseen.label_sum=2\n");
  file += block(rows_block, 1, lr_row(1, -1.541400278847183f, 1.2383553196182688f));
  file += block(rows_block, 1, lr_row(uint64_t{5} << 56, 0.25f, 0));
  file += block(end_block, 2, "");
  std::unique_ptr<model> m;
  CHECK_OK(model_of(file, &m));
  CHECK_EQ(m->rows().rows(), 2u);
  CHECK_EQ(m->bias.z, -2.5);
  CHECK_EQ(m->seen.samples, 3u);
  CHECK_EQ(m->seen.weight_sum, 3.5);
  CHECK_EQ(get_hyper(m->hypers(), "v_beta"), std::string("1"));  // not in the file: its default
  float w = 0;
  const row_ref row = m->rows().find(1);
  m->weights_of(row, &w, nullptr);
  CHECK_NEAR(static_cast<double>(w), .0692060055, 1e-8);  // the vector of the semantics page
  CHECK(m->rows().find(uint64_t{5} << 56));
}

TEST(a_file_of_version_1_with_names_and_stored_weights) {
  const float state[] = {1, 2, 3, 4}, weights[] = {-5, 6};
  const std::string row = raw(uint64_t{7}) + std::string(reinterpret_cast<const char*>(state), 16);
  std::string file = front("factors=1\nnames=1\nrows=1\nstored.bias=0.5\n");
  file += block(rows_block, 1, row) + block(names_block, 1, raw(uint32_t{3}) + "a b");
  file += block(stored_block, 1,
                raw(uint64_t{7}) + std::string(reinterpret_cast<const char*>(weights), 8));
  file += block(end_block, 1, "");
  std::unique_ptr<model> m;
  CHECK_OK(model_of(file, &m));
  m->rows().for_each([](row_ref r, std::string_view name) {
    CHECK_EQ(r.id(), 7u);
    for (size_t i = 0; i < 4; ++i) CHECK_EQ(value_of(r, i, 1), static_cast<float>(i + 1));
    CHECK_EQ(std::string(name), std::string("a b"));
  });
  float w = 0, v = 0;
  CHECK(m->stored_weights_of(7, &w, &v));
  CHECK_EQ(w, -5.0f);
  CHECK_EQ(v, 6.0f);
  CHECK_EQ(m->bias_weight(), 0.5);
}

const std::string two_rows = lr_row(1, 1, 1) + lr_row(2, 1, 1);

std::string lr_file(const std::string& header, const std::string& rows = two_rows) {
  return front(header) + block(rows_block, rows.size() / 16, rows) + block(end_block, 2, "");
}

TEST(headers) {
  std::unique_ptr<model> m;
  CHECK_OK(model_of(lr_file(lr_header), &m));
  m.reset();
  check_refused(front(lr_header, 0), "header makes no sense");
  check_refused(front(std::string(70000, 'x')), "header makes no sense");
  check_refused(lr_file(lr_header + "no equals\n"), "no '='");
  check_refused(lr_file(lr_header + "no equals"), "no '='");
  check_refused(lr_file(lr_header + "gamma=1\n"), "unknown header line 'gamma'");
  check_refused(lr_file(lr_header + "=\n"), "unknown header line ''");
  check_refused(lr_file(lr_header + "tail=0\n"), "unknown header line 'tail'");
  check_refused(lr_file(lr_header + "expire_after=30d\n"), "unknown header line 'expire_after'");
  check_refused(lr_file(lr_header + "alpha=0\n"), "alpha = 0 is not allowed");
  check_refused(lr_file(lr_header + "alpha=\n"), "alpha");
  check_refused(lr_file("factors=1025\nrows=2\n"), "factors");
  check_refused(lr_file("factors=0\nbias=0\nlinear=0\nrows=2\n"), "nothing to learn");
  check_refused(lr_file("factors=0\nrows=two\n"), "rows is not a number");
  check_refused(lr_file("factors=0\nrows=\n"), "rows is not a number");
  check_refused(lr_file(lr_header + "bias.z=nan\n"), "bias.z is not a number");
  check_refused(lr_file(lr_header + "bias.n=inf\n"), "bias.n is not a number");
  check_refused(lr_file(lr_header + "bias.n=-1\n"), "negative");
  check_refused(lr_file(lr_header + "seen.samples=-1\n"), "seen.samples is not a count");
}

TEST(numbers_with_something_behind) {
  check_refused(lr_file("factors=0\nrows=2x\n"), "rows is not a number");
  check_refused(lr_file(lr_header + "bias.z=1 2\n"), "bias.z is not a number");
}

// A double that no uint64_t holds: converting it is undefined.
TEST(counts_that_no_integer_holds) {
  check_refused(lr_file(lr_header + "seen.samples=1e300\n"), "seen.samples");
  check_refused(lr_file(lr_header + "seen.samples=0.5\n"), "seen.samples");
  check_refused(lr_file("factors=0\nrows=1e20\n"), "rows");
}

TEST(blocks_that_do_not_fit) {
  const std::string start = front(lr_header), end = block(end_block, 2, "");
  const std::string rows = block(rows_block, 2, two_rows);
  const char* const not_all = "it does not hold all of its rows";
  check_refused(start + end, not_all);
  check_refused(start + rows + block(end_block, 1, ""), not_all);
  check_refused(start + rows + block(end_block, 2, "x"), not_all);
  check_refused(start + block(rows_block, 1, two_rows) + end, "wrong size");
  check_refused(start + block(rows_block, 3, two_rows) + end, "wrong size");
  // 16 bytes times 2^60 + 2 is 32 bytes in 64 bits.
  check_refused(start + block(rows_block, (uint64_t{1} << 60) + 2, two_rows) + end, "wrong size");
  check_refused(start + rows + rows + end, "stands in it twice");
  check_refused(start + block(0, 0, "") + end, "unknown kind");
  check_refused(start + block(6, 0, "") + end, "unknown kind");
  check_refused(start + block(heads_block, 2, two_rows) + end, "unknown kind");
  check_refused(start + rows + block(names_block, 2, std::string(8, '\0')) + end, "names");
  check_refused(start + block(stored_block, 2, two_rows) + end, "stored");
  check_refused(start + rows, "it ends inside a block");
  check_refused(start + rows + end + end, "behind its end");
  std::string huge = block(rows_block, 2, two_rows);
  put(huge, 8, uint64_t{1} << 40);
  put(huge, 24, crc32c(0, huge.data(), 24));
  check_refused(start + huge + end, "block");
}

TEST(rows_whose_numbers_are_none) {
  for (const float bad : {INFINITY, -INFINITY, NAN}) {
    check_refused(lr_file(lr_header, lr_row(1, 1, 1) + lr_row(2, bad, 1)), "not finite");
    // Minus infinity as an n too, though it is negative.
    check_refused(lr_file(lr_header, lr_row(1, 1, 1) + lr_row(2, 1, bad)), "not finite");
  }
}

// n is a sum of squares: below 0 its root, and with it every score, is NaN.
TEST(rows_whose_n_is_negative) {
  check_refused(lr_file(lr_header, lr_row(1, 1, 1) + lr_row(2, 5, -1)), "an n in it is negative");
}

const std::string named_header = "factors=0\nnames=1\nrows=2\n";

std::string named_file(const std::string& names, uint64_t items = 2) {
  return front(named_header) + block(rows_block, 2, two_rows) + block(names_block, items, names) +
         block(end_block, 2, "");
}

TEST(names_that_do_not_fit) {
  const std::string sizes = raw(uint32_t{1}) + raw(uint32_t{2});
  std::unique_ptr<model> m;
  CHECK_OK(model_of(named_file(sizes + "abc"), &m));
  m.reset();
  check_refused(named_file(sizes + "ab"), "outside its block");
  check_refused(named_file(sizes + "abcd"), "wrong size");
  check_refused(named_file(sizes.substr(0, 4)), "outside its block");
  check_refused(named_file(""), "outside its block");
  check_refused(named_file(raw(~uint32_t{0}) + raw(uint32_t{2}) + "abc"), "outside its block");
  check_refused(named_file(sizes + "abc", 1), "names does not follow");
  check_refused(named_file(sizes + "abc", 3), "names does not follow");
  const std::string start = front(named_header), rows = block(rows_block, 2, two_rows);
  const std::string names = block(names_block, 2, sizes + "abc"), end = block(end_block, 2, "");
  check_refused(start + rows + end, "does not hold all");
  check_refused(start + rows + rows + names + end, "names are missing");
  check_refused(start + names + end, "names does not follow");
  check_refused(start + rows + names + names + end, "names does not follow");
}

// 16 bytes times 2^62 + 2 is 32 bytes in 64 bits, and four times that is 8: both products look
// right, all sizes are 0, and the third row lies outside what was read.
TEST(more_names_than_the_arithmetic_holds) {
  check_refused(named_file(std::string(72, '\0'), (uint64_t{1} << 62) + 2),
                "names does not follow");
}

std::string stored_file(uint64_t first, uint64_t second) {
  const std::string weights = raw(first) + raw(1.0f) + raw(second) + raw(2.0f);
  return front(lr_header + "stored.bias=0\n") + block(rows_block, 2, two_rows) +
         block(stored_block, 2, weights) + block(end_block, 2, "");
}

TEST(stored_weights_that_do_not_fit) {
  std::unique_ptr<model> m;
  CHECK_OK(model_of(stored_file(2, 1), &m));
  m.reset();
  check_refused(stored_file(1, 1), "twice");
  const std::string rows = block(rows_block, 2, two_rows), end = block(end_block, 2, "");
  check_refused(front(lr_header + "stored.bias=0\n") + rows + end, "does not hold all");
  check_refused(front(lr_header) + rows + block(stored_block, 0, "") + end, "no stored bias");
}

// Weights of a feature that has no row, and a row that has no weights: who looks them up finds
// none.
TEST(stored_weights_of_other_features) {
  check_refused(stored_file(1, 3), "stored weights without a row");
}

}  // namespace
}  // namespace fmtrain
