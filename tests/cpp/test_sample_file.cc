// Samples of what was shown, written and read back as the trainer reads them.
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmath>
#include <csignal>
#include <cstdio>
#include <limits>
#include <thread>

#include "cache_support.h"
#include "serve/sample_file.h"
#include "snapshots_support.h"

namespace fmtrain {
namespace {

// Adds one sample.
status add(sample_file& file, std::string_view request, uint64_t item, float label,
           const test_row& row) {
  std::vector<uint64_t> id;
  std::vector<float> x;
  for (const auto& [feature, value] : row) {
    id.push_back(feature);
    x.push_back(value);
  }
  return file.add(request, {item, label, id.size(), id.data(), x.data()});
}

std::vector<seen_sample> read_back(const std::string& path, uint32_t hash_seed = 0) {
  read_options options;
  options.parsing.hash_seed = hash_seed;
  return samples_of(read_file(path), options);
}

test_row row_of(const seen_sample& sample) {
  test_row row;
  for (const auto& [id, x, name] : sample.features) row.emplace_back(id, x);
  return row;
}

TEST(what_is_written_is_read_back) {
  const temporary_folder folder;
  const std::string path = folder.path("shown");
  const std::vector<test_row> rows = {{{1, 1.0f}, {UINT64_MAX, -0.5f}}, {}, {{7, 3.0f}}};
  sample_file file(9);
  CHECK_OK(file.open(path));
  CHECK_OK(add(file, "request", 5, 1, rows[0]));
  CHECK_OK(add(file, "request", UINT64_MAX, 0, rows[1]));
  CHECK_OK(add(file, std::string("b\0\n", 3), 0, 0.25f, rows[2]));
  CHECK_OK(file.close());
  CHECK(folder.names() == std::vector<std::string>{"shown"});
  const std::vector<seen_sample> got = read_back(path, 9);
  CHECK_EQ(got.size(), 3u);
  const std::vector<std::string> keys = {"request 5", "request 18446744073709551615",
                                         std::string("b\0\n", 3) + " 0"};
  const std::vector<float> labels = {1, 0, 0.25f};
  for (size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i].key == keys[i]);
    CHECK_EQ(got[i].label, labels[i]);
    CHECK_EQ(got[i].weight, 1.0f);
    CHECK_EQ(got[i].line, i + 1);
    CHECK_EQ(got[i].source, "test (snapshots)");
    CHECK(row_of(got[i]) == rows[i]);
  }
}

TEST(the_hash_seed_is_the_files) {
  const temporary_folder folder;
  sample_file file(5);
  CHECK_OK(file.open(folder.path("shown")));
  CHECK_OK(add(file, "r", 1, 0, {{1, 1.0f}}));
  CHECK_OK(file.close());
  std::vector<seen_sample> got;
  const status refused = read_samples(read_file(folder.path("shown")), {}, &got);
  CHECK(refused.message().find("packed with hash_seed 5, but hash_seed 0 is wanted") !=
        std::string::npos);
}

TEST(a_file_without_samples_is_one) {
  const temporary_folder folder;
  sample_file file(0);
  CHECK_OK(file.open(folder.path("shown")));
  CHECK_OK(file.close());
  CHECK(read_back(folder.path("shown")).empty());
}

// As a line's: a feature of 0 says nothing, and a cache has none.
TEST(an_x_of_zero_is_passed_over) {
  const temporary_folder folder;
  sample_file file(0);
  CHECK_OK(file.open(folder.path("shown")));
  CHECK_OK(add(file, "r", 1, 0, {{1, 0.0f}, {2, 2.0f}, {3, -0.0f}}));
  CHECK_OK(file.close());
  CHECK(row_of(read_back(folder.path("shown"))[0]) == test_row({{2, 2.0f}}));
}

// They are refused by themselves: the file is as good as before.
TEST(what_could_not_be_read_back_is_refused) {
  const temporary_folder folder;
  const std::string path = folder.path("shown");
  sample_file file(0);
  CHECK_OK(file.open(path));
  const float nan = std::nanf(""), infinity = std::numeric_limits<float>::infinity();
  for (const float x : {nan, infinity, -infinity}) {
    CHECK_EQ(add(file, "r", 7, 0, {{1, 1.0f}, {2, x}}).message(),
             path + ": item 7 has an x that is not finite");
  }
  for (const float label : {2.0f, -1.0f}) {
    CHECK_EQ(add(file, "r", 8, label, {}).message(),
             path + ": item 8 has the label " + std::to_string(label) + ": it must be from 0 to 1");
  }
  CHECK_EQ(add(file, "r", 8, nan, {}).code(), errc::invalid);
  CHECK_OK(add(file, "r", 9, 1, {{1, 1.0f}}));
  CHECK_OK(file.close());
  const std::vector<seen_sample> got = read_back(path);
  CHECK_EQ(got.size(), 1u);
  CHECK_EQ(got[0].key, "r 9");
  CHECK_EQ(got[0].line, 1u);
}

TEST(threads_write_into_one_file) {
  constexpr size_t threads = 4, each = 3000;
  const temporary_folder folder;
  sample_file file(0);
  CHECK_OK(file.open(folder.path("shown")));
  const auto row_at = [](size_t t, size_t i) {
    test_row row;
    for (uint64_t f = 0; f < 40; ++f) row.emplace_back(f < 20 ? f : 1000 * t + i + f, 1.0f);
    return row;
  };
  std::vector<std::thread> running;
  for (size_t t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      for (size_t i = 0; i < each; ++i) {
        CHECK_OK(add(file, std::to_string(t), i, static_cast<float>(i % 2), row_at(t, i)));
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  CHECK_OK(file.close());
  const std::vector<seen_sample> got = read_back(folder.path("shown"));
  CHECK_EQ(got.size(), threads * each);
  // Each thread's samples are there in its order.
  std::vector<size_t> next(threads, 0);
  for (size_t at = 0; at < got.size(); ++at) {
    const size_t t = std::stoul(got[at].key);
    const size_t i = next[t]++;
    CHECK_EQ(got[at].key, std::to_string(t) + " " + std::to_string(i));
    CHECK_EQ(got[at].label, static_cast<float>(i % 2));
    CHECK_EQ(got[at].line, at + 1);
    CHECK(row_of(got[at]) == row_at(t, i));
  }
}

// Blocks are what threads read, and shards divide.
TEST(many_samples_are_several_blocks) {
  const temporary_folder folder;
  sample_file file(0);
  CHECK_OK(file.open(folder.path("shown")));
  test_row row(1000);
  for (size_t f = 0; f < row.size(); ++f) row[f] = {f, 1.0f};
  for (uint64_t i = 0; i < 400; ++i) CHECK_OK(add(file, "r", i, 0, row));
  CHECK_OK(file.close());
  const std::string bytes = read_file(folder.path("shown"));
  size_t samples = 0;
  for (const uint32_t shard : {0, 1, 2, 3}) {
    read_options options;
    options.shard = shard;
    options.shards = 4;
    const size_t in_shard = samples_of(bytes, options).size();
    CHECK(in_shard > 0);
    samples += in_shard;
  }
  CHECK_EQ(samples, 400u);
}

TEST(without_closing_there_is_no_file) {
  const temporary_folder folder;
  {
    sample_file file(0);
    CHECK_OK(file.open(folder.path("shown")));
    CHECK_OK(add(file, "r", 1, 0, {{1, 1.0f}}));
    CHECK_EQ(folder.names().size(), 1u);
  }
  CHECK(folder.names().empty());
}

TEST(a_file_is_replaced_when_the_new_one_is_whole) {
  const temporary_folder folder;
  const std::string path = folder.path("shown");
  write_file(path, "old");
  {
    sample_file file(0);
    CHECK_OK(file.open(path));
    CHECK_OK(add(file, "r", 1, 0, {{1, 1.0f}}));
    CHECK_EQ(read_file(path), "old");
  }
  CHECK_EQ(read_file(path), "old");
  sample_file file(0);
  CHECK_OK(file.open(path));
  CHECK_OK(file.close());
  CHECK(read_back(path).empty());
}

TEST(a_path_that_cannot_be_written_is_named) {
  const temporary_folder folder;
  const std::string path = folder.path("no/such");
  sample_file file(0);
  const status refused = file.open(path);
  CHECK_EQ(refused.code(), errc::io);
  CHECK_EQ(refused.message(), path + ": cannot write: No such file or directory");
}

// The disk is full: what stands for it here is a bound on how large a file may become.
TEST(an_error_of_writing_stays_and_leaves_no_file) {
  const temporary_folder folder;
  const std::string path = folder.path("shown");
  ::rlimit before{};
  CHECK_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const ::rlimit small = {100000, before.rlim_max};
  CHECK_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  {
    sample_file file(0);
    CHECK_OK(file.open(path));
    test_random random(1);
    status failed;
    for (uint64_t i = 0; i < 10000 && failed.ok(); ++i) {
      test_row row(1000);
      for (auto& [id, x] : row) id = random.next(), x = 1;
      failed = add(file, "r", i, 0, row);
    }
    CHECK_EQ(failed.code(), errc::io);
    CHECK_EQ(failed.message(), path + ": cannot write: File too large");
    CHECK_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    CHECK_EQ(add(file, "r", 0, 0, {}).message(), failed.message());
    CHECK_EQ(file.close().message(), failed.message());
  }
  std::signal(SIGXFSZ, handler);
  CHECK(folder.names().empty());
}

// The folder goes away under it: what was written cannot get its name.
TEST(a_file_that_cannot_be_closed_is_named) {
  const temporary_folder folder;
  const std::string inner = folder.path("inner"), path = inner + "/shown";
  CHECK_EQ(::mkdir(inner.c_str(), 0777), 0);
  sample_file file(0);
  CHECK_OK(file.open(path));
  CHECK_OK(add(file, "r", 1, 0, {{1, 1.0f}}));
  CHECK_EQ(::rename(inner.c_str(), folder.path("moved").c_str()), 0);
  const status refused = file.close();
  CHECK_EQ(refused.code(), errc::io);
  CHECK_EQ(refused.message(), path + ": cannot write: No such file or directory");
}

}  // namespace
}  // namespace fmtrain
