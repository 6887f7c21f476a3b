// The way in: a pipe, a slow producer, several inputs, bad lines to a side file, a stop in between.
#include "feature/sample_stream.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <mutex>
#include <thread>

#include "feature/matrix_source.h"
#include "support.h"

namespace fmtrain {
namespace {

using milliseconds = std::chrono::milliseconds;

// Remembers (order, line) of every sample and which sources were finished.
class recorder : public batch_consumer {
 public:
  status consume(size_t, uint64_t order, const batch_source& source, batch& in) override {
    const std::lock_guard<std::mutex> hold(lock);
    for (size_t s = 0; s < in.samples; ++s) samples.emplace_back(order, in.line[s]);
    for (size_t i = 0; i < in.features; ++i) values += static_cast<double>(in.x[i]);
    last_source = source.name();
    return samples.size() >= fail_at ? status(errc::invalid, "enough") : status();
  }
  status finish_source(size_t, uint64_t order) override {
    const std::lock_guard<std::mutex> hold(lock);
    finished.push_back(order);
    return {};
  }

  std::mutex lock;
  std::vector<std::pair<uint64_t, uint64_t>> samples;
  std::vector<uint64_t> finished;
  double values = 0;
  std::string last_source;
  size_t fail_at = SIZE_MAX;
};

std::string numbered_lines(size_t lines) {
  std::string text;
  for (size_t i = 0; i < lines; ++i) text += "1 a b:2 c" + std::to_string(i) + "\n";
  return text;
}

void check_all_lines_once(recorder& seen, size_t lines) {
  CHECK_EQ(seen.samples.size(), lines);
  std::sort(seen.samples.begin(), seen.samples.end());
  for (size_t i = 0; i < seen.samples.size(); ++i) CHECK_EQ(seen.samples[i].second, i + 1);
  std::sort(seen.finished.begin(), seen.finished.end());
  for (size_t i = 0; i < seen.finished.size(); ++i) CHECK_EQ(seen.finished[i], i);
}

TEST(fed_bytes) {
  const std::string text = numbered_lines(60000);
  for (const size_t threads : {1, 3}) {
    recorder seen;
    sample_stream stream(threads, parse_options(), seen);
    feed_all(stream, text);
    CHECK_OK(stream.finish());
    check_all_lines_once(seen, 60000);
    CHECK(seen.finished.size() >= 2);
    CHECK_EQ(stream.bytes(), text.size());
    CHECK_EQ(seen.values, 4.0 * 60000);
    CHECK_EQ(stream.log().counts()[static_cast<int>(line_kind::sample)], 60000u);
    CHECK(!stream.ended_inside_a_line());
  }
}

// A budget shorter than a millisecond's rounding still has to get somewhere.
void check_pipe(milliseconds budget) {
  const size_t lines = 60000;
  int ends[2];
  CHECK_EQ(::pipe(ends), 0);
  std::thread writer([&] {
    const std::string text = numbered_lines(lines);
    CHECK_OK(write_all(ends[1], text.data(), text.size(), "pipe"));
    ::close(ends[1]);
  });
  recorder seen;
  sample_stream stream(2, parse_options(), seen);
  stream.begin("pipe");
  auto progress = sample_stream::progress::more;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (progress == sample_stream::progress::more && std::chrono::steady_clock::now() < deadline) {
    CHECK_OK(stream.read(ends[0], budget, &progress));
  }
  CHECK(progress == sample_stream::progress::ended);
  ::close(ends[0]);
  writer.join();
  CHECK_OK(stream.end());
  CHECK_OK(stream.finish());
  check_all_lines_once(seen, lines);
}

TEST(a_pipe) { check_pipe(milliseconds(50)); }
TEST(a_pipe_in_steps_of_two_milliseconds) { check_pipe(milliseconds(2)); }
TEST(a_pipe_in_steps_of_a_millisecond) {
  ::signal(SIGPIPE, SIG_IGN);  // a reader that gets nowhere must fail the check, not end the test
  check_pipe(milliseconds(1));
}

TEST(a_slow_producer_is_learned_from_at_once) {
  int ends[2];
  CHECK_EQ(::pipe(ends), 0);
  recorder seen;
  sample_stream stream(1, parse_options(), seen);
  stream.begin("pipe");
  CHECK_OK(write_all(ends[1], "1 a\n0 b\n1 unfin", 14, "pipe"));
  auto progress = sample_stream::progress::more;
  const auto seen_samples = [&] {
    const std::lock_guard<std::mutex> hold(seen.lock);
    return seen.samples.size();
  };
  for (int i = 0; i < 1000 && seen_samples() < 2; ++i) {
    CHECK_OK(stream.read(ends[0], milliseconds(10), &progress));
    CHECK(progress == sample_stream::progress::more);
  }
  CHECK_EQ(seen_samples(), 2u);
  CHECK_OK(write_all(ends[1], "ished", 5, "pipe"));
  ::close(ends[1]);
  while (progress == sample_stream::progress::more) {
    CHECK_OK(stream.read(ends[0], milliseconds(10), &progress));
  }
  ::close(ends[0]);
  CHECK_OK(stream.end());
  CHECK_OK(stream.finish());
  check_all_lines_once(seen, 3);
  CHECK(stream.ended_inside_a_line());
  CHECK(stream.times().reading > 0);
}

TEST(several_inputs_and_their_bad_lines) {
  const temporary_folder folder;
  const int side = ::open(folder.path("bad").c_str(), O_CREAT | O_RDWR, 0644);
  recorder seen;
  sample_stream stream(1, parse_options(), seen);
  stream.log().copy_bad_lines_to(side);
  feed_all(stream, "1 a\nbad\r\n# c\n", "first");
  feed_all(stream, "\n1 a:x\n0 b", "second");
  CHECK_OK(stream.finish());
  ::close(side);
  CHECK_EQ(seen.samples.size(), 2u);
  CHECK_EQ(seen.last_source, std::string("second"));
  CHECK_EQ(read_file(folder.path("bad")), std::string("bad\r\n1 a:x\n"));
  const std::vector<bad_line> examples = stream.log().examples();
  CHECK_EQ(examples.size(), 2u);
  CHECK_EQ(examples[0].source + std::to_string(examples[0].line), std::string("first2"));
  CHECK_EQ(examples[1].source + std::to_string(examples[1].line), std::string("second2"));
  CHECK_EQ(examples[1].column, 5u);
}

TEST(a_side_file_that_cannot_be_written_fails_the_stream) {
  const int full = ::open("/dev/full", O_WRONLY);
  recorder seen;
  sample_stream stream(2, parse_options(), seen);
  stream.log().copy_bad_lines_to(full);
  feed_all(stream, "1 a\nbad\n1 b\n");
  const status refused = stream.finish();
  ::close(full);
  CHECK_EQ(refused.code(), errc::io);
  CHECK_EQ(seen.samples.size(), 2u);
}

TEST(examples_are_few_and_counts_are_all) {
  recorder seen;
  sample_stream stream(2, parse_options(), seen);
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "bad" + std::string(500, 'x') + "\n";
  feed_all(stream, text);
  CHECK_OK(stream.finish());
  CHECK_EQ(stream.log().counts()[static_cast<int>(line_kind::bad_label)], 1000u);
  CHECK_EQ(stream.log().examples().size(), line_log::examples_max);
  CHECK_EQ(stream.log().examples()[0].detail.size(), line_log::detail_bytes_max);
}

TEST(an_error_of_the_consumer_ends_the_stream) {
  const std::string text = numbered_lines(200000);
  for (const size_t threads : {1, 4}) {
    recorder seen;
    seen.fail_at = 1000;
    sample_stream stream(threads, parse_options(), seen);
    feed_all(stream, text);  // must not hang
    CHECK_EQ(stream.finish().message(), std::string("enough"));
    CHECK(stream.stopped());
    CHECK(seen.samples.size() < 200000);
  }
}

TEST(a_matrix_gives_what_its_text_gives) {
  matrix_columns columns;
  for (const char* name : {"a", "b", "c"}) {
    columns.name.push_back({static_cast<uint32_t>(columns.names.size()), 1});
    columns.names += name;
    columns.id.push_back(id_of(name));
  }
  const double cells[] = {1, 0, 2.5, 0, 0, 0, -1, 1e-60, 3};  // 1e-60 is 0 as a float
  const double label[] = {1, 0, 1};
  const int32_t indptr[] = {0, 2, 2, 5}, indices[] = {0, 2, 0, 1, 2};
  const double data[] = {1, 2.5, -1, 1e-60, 3};
  const matrix_rows rows{&columns, label, nullptr};
  const dense_cells<double> dense{&columns, cells, 3, 1};
  const csr_cells<int32_t, double> csr{&columns, indptr, indices, data};
  matrix_source<dense_cells<double>> dense_rows(rows, 0, 3, dense);
  matrix_source<csr_cells<int32_t, double>> csr_rows(rows, 0, 3, csr);
  for (batch_source* source :
       {static_cast<batch_source*>(&dense_rows), static_cast<batch_source*>(&csr_rows)}) {
    batch got;
    CHECK(source->fill(got));
    CHECK_EQ(got.samples, 3u);
    CHECK_EQ(got.features, 4u);
    const std::pair<std::string, float> expected[] = {{"a", 1}, {"c", 2.5f}, {"a", -1}, {"c", 3}};
    for (size_t i = 0; i < 4; ++i) {
      CHECK_EQ(std::string(got.name_of(i)), expected[i].first);
      CHECK_EQ(got.id[i], id_of(expected[i].first));
      CHECK_EQ(got.x[i], expected[i].second);
    }
    CHECK_EQ(got.begin[1], 2u);
    CHECK_EQ(got.begin[2], 2u);
    CHECK_EQ(got.label[2], 1.0f);
    CHECK_EQ(got.weight[2], 1.0f);
    CHECK_EQ(got.line[2], 3u);
    got.clear();
    CHECK(!source->fill(got));
  }
}

}  // namespace
}  // namespace fmtrain
