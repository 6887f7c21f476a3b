// alphaFM's files, record by record: text, double, float; cut, too wide, not numbers.
#include "model/alphafm.h"

#include <algorithm>
#include <cstring>

#include "model/exchange.h"
#include "model/learner.h"
#include "support.h"

namespace fmtrain {
namespace {

const std::string two_factors =
    "bias -0.28525 324.532 109.001\n"
    "C2=a6cbd 0 0.25 -0.5 0.5 -0.125 0.001 2 0.75 -3\n"
    "I5=178 -1.5 0 0 3 4 0 0 0 0\n";

struct file_read {
  status end;
  size_t factors = 0;
  std::vector<alphafm_record> records;
};

file_read read_all(const std::string& bytes, bool binary, int64_t factors = -1) {
  const temporary_folder folder;
  write_file(folder.path("model"), bytes);
  alphafm_reader reader;
  file_read out;
  out.end = reader.open(folder.path("model"), binary, factors);
  out.factors = reader.factors();
  for (bool more = true; out.end.ok() && more;) {
    alphafm_record record;
    out.end = reader.next(&record, &more);
    if (out.end.ok() && more) out.records.push_back(record);
  }
  if (!out.end.ok()) CHECK(out.end.message().find(folder.path("model")) == 0);
  return out;
}

std::string written(const std::vector<alphafm_record>& records, alphafm_format format,
                    size_t factors, bool exact = false) {
  memory_sink sink;
  alphafm_writer writer(sink, format, factors, exact);
  alphafm_totals totals;
  totals.features = records.size() - 1;
  for (size_t i = 1; i < records.size(); ++i) totals.nonzero += records[i].is_zero() ? 0 : 1;
  CHECK_OK(writer.begin(totals));
  for (const alphafm_record& record : records) CHECK_OK(writer.add(record));
  return sink.bytes;
}

void check_same(const std::vector<alphafm_record>& a, const std::vector<alphafm_record>& b) {
  CHECK_EQ(a.size(), b.size());
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    CHECK_EQ(a[i].name, b[i].name);
    CHECK_EQ(a[i].w, b[i].w);
    CHECK_EQ(a[i].w_n, b[i].w_n);
    CHECK_EQ(a[i].w_z, b[i].w_z);
    CHECK(a[i].v == b[i].v && a[i].v_n == b[i].v_n && a[i].v_z == b[i].v_z);
  }
}

TEST(text_fields_are_in_alphafms_order) {
  const file_read got = read_all(two_factors, false);
  CHECK_OK(got.end);
  CHECK_EQ(got.factors, 2u);
  CHECK_EQ(got.records.size(), 3u);
  CHECK_EQ(got.records[0].name, std::string("bias"));
  CHECK_EQ(got.records[0].w_n, 324.532);
  CHECK_EQ(got.records[0].w_z, 109.001);
  const alphafm_record& c2 = got.records[1];
  CHECK(c2.w == 0 && c2.w_n == .5 && c2.w_z == -.125);
  CHECK(c2.v == (std::vector<double>{.25, -.5}));
  CHECK(c2.v_n == (std::vector<double>{.001, 2}));
  CHECK(c2.v_z == (std::vector<double>{.75, -3}));
  check_same(read_all(two_factors, false, 2).records, got.records);
}

// GCC 12 drops the conversion to float and back where it vectorises two of them: hence volatile.
double narrowed(double value) {
  const volatile float narrow = static_cast<float>(value);
  return static_cast<double>(narrow);
}

TEST(what_is_written_is_read) {
  const std::vector<alphafm_record> records = read_all(two_factors, false).records;
  CHECK_EQ(written(records, alphafm_format::text, 2), two_factors);
  check_same(read_all(written(records, alphafm_format::binary_double, 2), true).records, records);
  std::vector<alphafm_record> narrow = records;
  for (alphafm_record& r : narrow) {
    for (double* x : {&r.w, &r.w_n, &r.w_z}) *x = narrowed(*x);
    for (auto* lanes : {&r.v, &r.v_n, &r.v_z}) {
      for (double& x : *lanes) x = narrowed(x);
    }
  }
  check_same(read_all(written(records, alphafm_format::binary_float, 2), true).records, narrow);
}

TEST(exact_text_reads_the_same_float) {
  test_random random(1);
  std::vector<alphafm_record> records(1);
  records[0].name = "bias";
  records[0].w_z = 1.0 / 3;  // a double, to its last bit
  for (int i = 0; i < 3000; ++i) {
    alphafm_record r;
    r.name = std::to_string(i);
    const auto bits = static_cast<uint32_t>(random.next()) & 0xFF7FFFFF;  // finite
    float x;
    std::memcpy(&x, &bits, sizeof x);
    r.w_z = static_cast<double>(x);
    records.push_back(r);
  }
  const file_read got = read_all(written(records, alphafm_format::text, 0, true), false);
  CHECK_OK(got.end);
  for (size_t i = 0; i < records.size(); ++i) {
    if (i == 0) CHECK_EQ(got.records[i].w_z, records[i].w_z);
    CHECK_EQ(static_cast<float>(got.records[i].w_z), static_cast<float>(records[i].w_z));
  }
}

TEST(the_binary_head) {
  const std::string file =
      written(read_all(two_factors, false).records, alphafm_format::binary_float, 2);
  uint64_t head[7];
  std::memcpy(head, file.data(), sizeof head);
  const uint64_t expected[7] = {1, 4, 2, 3, 3, 1, 36};
  for (int i = 0; i < 7; ++i) CHECK_EQ(head[i], expected[i]);
  CHECK_EQ(file.size(), 56 + 3 * (2 + 36) + std::string("biasC2=a6cbdI5=178").size());
}

TEST(a_cut_file_at_every_length) {
  const std::vector<alphafm_record> records = read_all(two_factors, false).records;
  for (const auto format : {alphafm_format::binary_double, alphafm_format::binary_float}) {
    const std::string whole = written(records, format, 2);
    for (size_t size = 0; size < whole.size(); ++size) {
      CHECK_EQ(read_all(whole.substr(0, size), true).end.code(), errc::format);
    }
    CHECK_EQ(read_all(whole + "x", true).end.code(), errc::format);
  }
  // Text has no totals: a file cut after a line is a smaller file.
  for (size_t size = 0; size < two_factors.size(); ++size) {
    const bool after_a_line = size > 0 && two_factors[size - 1] == '\n';
    CHECK_EQ(read_all(two_factors.substr(0, size), false).end.ok(), after_a_line);
  }
}

TEST(text_that_is_no_model) {
  for (const char* text :
       {"", "\n", "x 0 0 0\n", "bias\n", "bias 0 0\n", "bias 0 0 0 0\n", "bias 0 0 0 \n",
        "bias 0  0 0\n", "bias 0 0 x\n", "bias 0 0 0\na\n", "bias 0 0 0\na 1 2\n",
        "bias 0 0 0\na 1 2 3 4\n", "bias 0 0 0\na 1 2 3\nb 1 2 3 4 5 6\n", "bias 0 0 0\n\n",
        "bias 0 0 0\n 1 2 3\n", "bias 0 0 0\na 1 2 3x\n", "bias 0 0 0\na\t1\t2\t3\n",
        "bias 0 0 0\na 1 2 3\r\n", "bias 0 0 0\na 1 2 3"}) {
    const file_read got = read_all(text, false);
    if (got.end.code() != errc::format) CHECK_EQ(std::string(text), std::string("refused"));
  }
  CHECK(read_all("bias 0 0 0\na 1 2 3\nb 1 2\n", false).end.message().find("line 3") !=
        std::string::npos);
}

TEST(binary_that_is_no_model) {
  const std::string whole =
      written(read_all(two_factors, false).records, alphafm_format::binary_double, 2);
  // Each word of the head, wrong in several ways; the nonzero count is not looked at.
  for (const size_t word : {0, 1, 2, 3, 5, 6}) {
    for (const uint64_t wrong : {uint64_t{0}, uint64_t{5}, uint64_t{1025}, ~uint64_t{0}}) {
      std::string file = whole;
      std::memcpy(file.data() + 8 * word, &wrong, sizeof wrong);
      CHECK_EQ(read_all(file, true).end.code(), errc::format);
    }
  }
  std::string no_bias = whole;
  no_bias[58] = 'B';
  CHECK_EQ(read_all(no_bias, true).end.code(), errc::format);
  CHECK_EQ(read_all(whole, true, 3).end.code(), errc::format);
  CHECK_EQ(read_all(two_factors, false, 3).end.code(), errc::format);
}

TEST(names_longer_than_binary_allows) {
  alphafm_record record;
  record.name = std::string(70000, 'n');
  memory_sink sink;
  alphafm_writer text(sink, alphafm_format::text, 0, true);
  CHECK_OK(text.add(record));
  alphafm_writer binary(sink, alphafm_format::binary_float, 0, true);
  CHECK_EQ(binary.add(record).code(), errc::invalid);
}

std::string converted(const std::string& bytes, bool binary, alphafm_format to, bool keep_zeros) {
  const temporary_folder folder;
  write_file(folder.path("from"), bytes);
  memory_sink sink;
  CHECK_OK(convert_alphafm(folder.path("from"), binary, -1, to, keep_zeros, sink));
  return sink.bytes;
}

TEST(conversions_pass_the_numbers_through) {
  const std::string with_zero = two_factors + "zero 0 0 0 7 8 0 0 0 0\n";
  const std::string binary = converted(with_zero, false, alphafm_format::binary_double, true);
  CHECK_EQ(converted(binary, true, alphafm_format::text, true), with_zero);
  CHECK_EQ(converted(binary, true, alphafm_format::text, false), two_factors);
  const file_read sparse =
      read_all(converted(binary, true, alphafm_format::binary_float, false), true);
  CHECK_OK(sparse.end);
  CHECK_EQ(sparse.records.size(), 3u);
}

// The bias has no v: what stands in its place must not be what the record before it left there.
TEST(a_conversion_is_the_same_again) {
  const std::string binary = converted(two_factors, false, alphafm_format::binary_double, true);
  CHECK(converted(binary, true, alphafm_format::binary_double, true) == binary);
}

// ---- import ----

status import_text(const std::string& text, int64_t factors, std::unique_ptr<model>* out) {
  const temporary_folder folder;
  write_file(folder.path("model"), text);
  return import_alphafm(folder.path("model"), false, factors, hyper(), out);
}

void check_import_refused(const std::string& text, int64_t factors = -1) {
  std::unique_ptr<model> m;
  const status refused = import_text(text, factors, &m);
  CHECK(refused.code() == errc::format || refused.code() == errc::invalid);
  CHECK(m == nullptr);
}

TEST(states_that_are_none) {
  for (const char* number : {"nan", "inf", "-inf", "1e39"}) {
    const std::string x(number);
    check_import_refused("bias 0 0 " + (x == "1e39" ? "inf" : x) + "\n");
    check_import_refused("bias 0 0 0\na 0 1 " + x + "\n");
    check_import_refused("bias 0 0 0\na 0 0 1 0 1 " + x + "\n");
    check_import_refused("bias 0 0 0\na 0 " + x + " 0\n");
  }
  check_import_refused("bias 0 -1 0\n");
  check_import_refused("bias 0 0 0\na 0 -1 0\n");
  check_import_refused("bias 0 0 0\na 0 0 1 0 -1 0\n");
  check_import_refused("bias 0 0 0\na 0 1 0\na 0 1 0\n");
}

// As a float they are infinite: the model could be saved, and never be read again.
TEST(weights_that_no_float_holds) {
  check_import_refused("bias 0 0 0\na 1e39 1 0\n");
  check_import_refused("bias 0 0 0\na 0 -1e300 1 0 1 0\n");
}

// A learner's buffers hold factors_max lanes.
TEST(more_factors_than_a_model_may_have) {
  const int64_t factors = static_cast<int64_t>(factors_max) + 1;
  std::string line = "a";
  for (int64_t i = 0; i < 3 + 3 * factors; ++i) line += " 0";
  check_import_refused("bias 0 0 0\n" + line + "\n", -1);
  check_import_refused("bias 0 0 0\n" + line + "\n", factors);
}

}  // namespace
}  // namespace fmtrain
