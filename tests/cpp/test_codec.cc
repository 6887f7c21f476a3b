// Compression: what was packed comes back, what was not is refused, whatever it holds.
#include "base/codec.h"

#include "support.h"

namespace fmtrain {
namespace {

std::string random_bytes(size_t size, uint64_t seed) {
  test_random random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.next());
  return bytes;
}

TEST(round_trips) {
  for (const codec c : {codec::lz4, codec::zstd}) {
    CHECK_OK(open_codec(c));
    for (const size_t size : {1000, 100000, 3000000}) {
      std::string data = random_bytes(size / 2, size);
      data += data;  // half of it is said twice
      data.insert(data.size() / 3, std::string(size, 'a'));
      std::string small, back(data.size(), '\0');
      compress(c, data, &small);
      CHECK(small.size() < data.size());
      CHECK(decompress(c, small, back.data(), back.size()));
      CHECK(back == data);
      // Not one byte more or less than it holds.
      std::string other(data.size() + 1, '\0');
      CHECK(!decompress(c, small, other.data(), data.size() - 1));
      CHECK(!decompress(c, small, other.data(), data.size() + 1));
      CHECK(!decompress(c, std::string_view(small).substr(0, small.size() - 1), back.data(),
                        back.size()));
    }
  }
}

TEST(what_does_not_shrink_is_stored) {
  for (const codec c : {codec::none, codec::lz4, codec::zstd}) {
    for (const size_t size : {0, 1, 5000}) {
      const std::string data = random_bytes(size, 7);
      std::string stored = "was here before";
      compress(c, data, &stored);
      CHECK(stored == data);
    }
  }
  std::string stored;
  compress(codec::none, std::string(1000, 'a'), &stored);
  CHECK_EQ(stored, std::string(1000, 'a'));
}

TEST(junk_is_refused) {
  std::string out(100000, '\0');
  for (const codec c : {codec::none, codec::lz4, codec::zstd}) {
    for (uint64_t seed = 0; seed < 200; ++seed) {
      const std::string junk = random_bytes(seed * 3, seed);
      CHECK(!decompress(c, junk, out.data(), out.size()));
    }
  }
}

TEST(names_of_codecs) {
  for (const codec c : {codec::none, codec::lz4, codec::zstd}) {
    codec found = codec::none;
    CHECK(find_codec(codec_name(c), &found));
    CHECK_EQ(found, c);
    CHECK_OK(open_codec(c));
    CHECK(!find_codec(std::string(codec_name(c)) + " ", &found));
  }
}

}  // namespace
}  // namespace fmtrain
