// CRC-32C: the published values, and the instruction against the table.
#include "base/crc32c.h"

#include <string>

#include "support.h"

namespace fmtrain {
namespace {

uint32_t both(const std::string& bytes) {
  const uint32_t crc = crc32c(0, bytes.data(), bytes.size());
  CHECK_EQ(crc, crc32c_portable(0, bytes.data(), bytes.size()));
  return crc;
}

// RFC 3720, appendix B.4, and the check value of the CRC catalogues.
TEST(published_values) {
  std::string up, down;
  for (int i = 0; i < 32; ++i) {
    up.push_back(static_cast<char>(i));
    down.push_back(static_cast<char>(31 - i));
  }
  CHECK_EQ(both(""), 0u);
  CHECK_EQ(both("123456789"), 0xE3069283u);
  CHECK_EQ(both(std::string(32, '\0')), 0x8A9136AAu);
  CHECK_EQ(both(std::string(32, '\xff')), 0x62A8AB43u);
  CHECK_EQ(both(up), 0x46DD794Eu);
  CHECK_EQ(both(down), 0x113FDB5Cu);
}

TEST(instruction_is_the_table_at_every_size_and_alignment) {
  test_random random(1);
  std::string bytes;
  for (int i = 0; i < 200; ++i) bytes.push_back(static_cast<char>(random.next()));
  for (size_t shift = 0; shift < 16; ++shift) {
    for (size_t size = 0; size + shift <= bytes.size(); ++size) {
      const uint32_t start = static_cast<uint32_t>(random.next());
      CHECK_EQ(crc32c(start, bytes.data() + shift, size),
               crc32c_portable(start, bytes.data() + shift, size));
    }
  }
}

TEST(continues_where_it_stopped) {
  const std::string bytes = "Castagnoli's polynomial, continued at every byte of this text.";
  const uint32_t whole = both(bytes);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const uint32_t first = crc32c(0, bytes.data(), cut);
    CHECK_EQ(crc32c(first, bytes.data() + cut, bytes.size() - cut), whole);
  }
}

}  // namespace
}  // namespace fmtrain
