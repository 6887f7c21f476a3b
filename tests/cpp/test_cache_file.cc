// The file around the blocks: threads, pieces, pipes, shards; and every way in which it can be bad.
#include <fcntl.h>
#include <unistd.h>

#include <thread>

#include "cache_support.h"
#include "synth/synth.h"

namespace fmtrain {
namespace {

std::string synth_text(uint64_t samples) {
  synth_options options;
  options.fields = 20;
  options.dims = 50000;
  options.keys = 500;
  return synth_header(options) + "\n" + synth(options).text(0, samples, nullptr);
}

// Several blocks, some of them small.
const std::string& long_text() {
  static const std::string text = synth_text(60000);
  return text;
}

// Small blocks: a stream that is fed line by line is flushed as a slow producer's is.
std::string many_small_blocks(size_t blocks) {
  const temporary_folder folder;
  packer pack(1, {text_format::text, 0, true});
  cache_writer writer(1, {0, true, codec::lz4});
  CHECK_OK(writer.open(folder.path("cache")));
  writer.follow(pack.input());
  for (size_t i = 0; i < blocks; ++i) {
    feed_all(pack.input(), "1 a b:2 c" + std::to_string(i) + " # u\n0 a\n");
  }
  CHECK_OK(pack.finish());
  CHECK_OK(writer.commit());
  CHECK_EQ(writer.totals().blocks, blocks);
  return read_file(folder.path("cache"));
}

TEST(the_order_is_the_inputs_whatever_the_threads) {
  const std::string one = packed(long_text());
  CHECK(samples_of(one) == from_cache(samples_of(long_text())));
  for (const size_t threads : {2, 5}) {
    CHECK(packed(long_text(), threads) == one);
    read_options options;
    options.threads = threads;
    CHECK(samples_of(one, options) == samples_of(one));
  }
}

TEST(bytes_come_in_any_pieces) {
  const std::string cache = many_small_blocks(20);
  const std::vector<seen_sample> whole = samples_of(cache);
  CHECK_EQ(whole.size(), 40u);
  for (const size_t piece : {1, 2, 7, 100, 1000}) {
    read_options options;
    options.piece = piece;
    CHECK(samples_of(cache, options) == whole);
  }
}

void read_all(sample_stream& stream, int fd) {
  stream.begin("test");
  auto progress = sample_stream::progress::more;
  while (progress == sample_stream::progress::more) {
    CHECK_OK(stream.read(fd, std::chrono::milliseconds(20), &progress));
  }
  CHECK_OK(stream.end());
}

// Shards of a file pass over what is not theirs; of a pipe they read it.
TEST(shards_are_a_partition) {
  const temporary_folder folder;
  const std::string cache = packed(long_text(), 3);
  write_file(folder.path("cache"), cache);
  const std::vector<seen_sample> whole = samples_of(cache);
  for (const uint32_t shards : {1, 2, 3, 50}) {
    size_t fed = 0, in_file = 0, in_pipe = 0;
    std::vector<seen_sample> all;
    for (uint32_t shard = 0; shard < shards; ++shard) {
      read_options options;
      options.shard = shard;
      options.shards = shards;
      const std::vector<seen_sample> part = samples_of(cache, options);
      fed += part.size();
      all.insert(all.end(), part.begin(), part.end());
      int ends[2];
      CHECK_EQ(::pipe(ends), 0);
      std::thread writer([&] {
        CHECK_OK(write_all(ends[1], cache.data(), cache.size(), "pipe"));
        ::close(ends[1]);
      });
      const int file = ::open(folder.path("cache").c_str(), O_RDONLY);
      for (const int fd : {file, ends[0]}) {
        sample_recorder seen;
        sample_stream stream(2, parse_options(), seen);
        stream.take_shard(shard, shards);
        read_all(stream, fd);
        CHECK_OK(stream.finish());
        CHECK_EQ(stream.bytes(), cache.size());
        CHECK(seen.all() == part);
        (fd == file ? in_file : in_pipe) += part.size();
        ::close(fd);
      }
      writer.join();
    }
    CHECK_EQ(fed, whole.size());
    CHECK_EQ(in_file, whole.size());
    CHECK_EQ(in_pipe, whole.size());
    const auto by_line = [](const auto& a, const auto& b) { return a.line < b.line; };
    std::sort(all.begin(), all.end(), by_line);
    CHECK(all == whole);
  }
}

TEST(several_inputs_are_sharded_together) {
  const std::string cache = many_small_blocks(3);
  size_t samples = 0;
  for (const uint32_t shard : {0, 1}) {
    sample_recorder seen;
    sample_stream stream(1, parse_options(), seen);
    stream.take_shard(shard, 2);
    feed_all(stream, cache);
    feed_all(stream, cache);
    CHECK_OK(stream.finish());
    CHECK_EQ(seen.all().size(), 6u);
    samples += seen.all().size();
  }
  CHECK_EQ(samples, 12u);
}

TEST(caches_that_were_concatenated_are_one) {
  const std::string a = many_small_blocks(2), b = many_small_blocks(3);
  CHECK_EQ(samples_of(a + b).size(), 10u);
  read_options options;
  options.piece = 3;
  CHECK_EQ(samples_of(a + b + a, options).size(), 14u);
}

TEST(text_and_caches_in_turn) {
  sample_recorder seen;
  sample_stream stream(1, parse_options(), seen);
  const std::string cache = many_small_blocks(2);
  for (const std::string& input : {std::string("1 a\n"), cache, std::string(), cache,
                                   std::string("0 b\n0 c"), std::string("1")}) {
    CHECK_OK(feed_pieces(stream, input, 5));
  }
  CHECK_OK(stream.finish());
  CHECK_EQ(seen.all().size(), 12u);
  CHECK_EQ(stream.bytes(), 4 + 2 * cache.size() + 7 + 1);
}

TEST(the_comment_survives) {
  sample_recorder seen;
  sample_stream stream(1, parse_options(), seen);
  feed_all(stream, packed("1 a\n# a comment\n"));
  CHECK_OK(stream.finish());
  CHECK_EQ(stream.log().comment(), std::string("# a comment"));
}

// ---- what it refuses ----

// Reads it and gives the message; what came before it is a beginning of what is there.
std::string refusal(const std::string& bytes, const std::vector<seen_sample>& whole,
                    read_options options = {}, errc code = errc::input) {
  std::vector<seen_sample> got;
  const status refused = read_samples(bytes, options, &got);
  CHECK(!refused.ok());
  CHECK_EQ(refused.code(), code);
  CHECK(refused.message().find("test: ") == 0);
  CHECK(got.size() <= whole.size());
  CHECK(std::equal(got.begin(), got.end(), whole.begin()));
  return refused.message();
}

TEST(a_file_cut_anywhere_is_refused) {
  const std::string cache = many_small_blocks(3);
  const std::vector<seen_sample> whole = samples_of(cache);
  for (size_t size = 1; size < cache.size(); ++size) {
    const std::string message = refusal(cache.substr(0, size), whole);
    CHECK(message.find(" it ends inside ") != std::string::npos ||
          message.find(" it was cut") != std::string::npos);
  }
}

TEST(a_file_with_any_bit_flipped_is_refused) {
  std::string cache = many_small_blocks(3);
  const std::vector<seen_sample> whole = samples_of(cache);
  for (size_t at = 8; at < cache.size(); ++at) {
    for (const int bit : {0, 3, 7}) {
      cache[at] = static_cast<char>(cache[at] ^ (1 << bit));
      refusal(cache, whole);
      cache[at] = static_cast<char>(cache[at] ^ (1 << bit));
    }
  }
}

TEST(bytes_behind_the_end_are_refused) {
  const std::string cache = many_small_blocks(1);
  const std::vector<seen_sample> whole = samples_of(cache);
  for (const char* more : {"1", "1 a b c d e\n", "\x89"}) {
    CHECK_EQ(refusal(cache + more, whole),
             std::string("test: damaged cache: there are bytes behind its end"));
  }
}

TEST(a_file_of_the_future_is_refused) {
  std::string cache = many_small_blocks(1);
  cache[8] = 2;
  CHECK_EQ(refusal(cache, {}),
           std::string("test: written by a newer fmtrain: cache format version 2, this one reads "
                       "up to 1"));
}

TEST(missing_and_repeated_blocks_are_refused) {
  const std::string cache = many_small_blocks(2), other = many_small_blocks(1);
  const size_t header = cache_header_bytes({0, true, codec::lz4}).size();
  cache_head head{};
  std::memcpy(&head, cache.data() + header, sizeof head);
  const size_t first = sizeof head + head.payload_bytes;
  const std::string missing = cache.substr(0, header) + cache.substr(header + first);
  const std::string repeated = cache.substr(0, header + first) + cache.substr(header);
  for (const std::string& bytes : {missing, repeated}) {
    std::vector<seen_sample> got;
    const status refused = read_samples(bytes, {}, &got);
    CHECK_EQ(refused.message(),
             std::string("test: damaged cache: blocks are missing, or there are too many"));
  }
}

TEST(another_hash_seed_is_refused) {
  const std::string cache = packed("1 a\n", 1, codec::lz4, true, 5);
  const std::string message = refusal(cache, {}, {}, errc::invalid);
  CHECK(message.find("packed with hash_seed 5, but hash_seed 0 is wanted") != std::string::npos);
  read_options options;
  options.parsing.hash_seed = 5;
  CHECK_EQ(samples_of(cache, options).size(), 1u);
}

TEST(names_that_are_missing_are_refused) {
  const std::string cache = packed("1 a\n", 1, codec::lz4, false);
  read_options options;
  options.parsing.names = true;
  const std::string message = refusal(cache, {}, options, errc::invalid);
  CHECK(message.find("packed without names") != std::string::npos);
}

TEST(text_has_no_shards) {
  read_options options;
  options.shards = 2;
  const std::string message = refusal("1 a\n0 b\n", {}, options, errc::invalid);
  CHECK(message.find("`fmtrain pack` first") != std::string::npos);
}

// A head may claim what it likes: memory is taken for bytes that came.
TEST(a_claim_of_size_costs_nothing) {
  std::string cache = many_small_blocks(1);
  const size_t at = cache_header_bytes({0, true, codec::lz4}).size();
  for (const uint64_t size : {cache_raw_bytes_max, cache_raw_bytes_max + 1, UINT64_MAX}) {
    cache_head head{};
    std::memcpy(&head, cache.data() + at, sizeof head);
    head.payload_bytes = head.raw_bytes = size;
    head.head_crc = crc_of_head(head);
    std::memcpy(cache.data() + at, &head, sizeof head);
    refusal(cache, {});
  }
}

// ---- writing ----

TEST(a_stopped_stream_leaves_no_file) {
  const temporary_folder folder;
  {
    packer pack(2, parse_options());
    cache_writer writer(2, {0, false, codec::lz4});
    CHECK_OK(writer.open(folder.path("cache")));
    CHECK_EQ(folder.names().size(), 1u);
    writer.follow(pack.input());
    feed_all(pack.input(), long_text());
    pack.input().stop();
    CHECK_OK(pack.finish());
    CHECK_EQ(writer.commit().code(), errc::invalid);
  }
  CHECK(folder.names().empty());
}

TEST(a_path_that_cannot_be_written_is_refused) {
  const temporary_folder folder;
  cache_writer writer(1, {0, false, codec::lz4});
  CHECK_EQ(writer.open(folder.path("no/such/folder")).code(), errc::io);
}

}  // namespace
}  // namespace fmtrain
