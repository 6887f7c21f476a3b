// The bits of a raw row's special bytes: every instruction set against the definition.
#include "encode/special_bytes.h"

#include <algorithm>

#include "support.h"

namespace fmtrain {
namespace {

bool is_special(char c, char separator, char quote) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= 0x20 || byte == 0x7f || c == ':' || c == '%' || c == '&' || c == separator ||
         c == quote;
}

// Reads whole blocks of 64 bytes, not one byte more, and writes their words alone.
void check_marks(const std::string& line, size_t shift, char separator, char quote) {
  const size_t words = (line.size() + 63) / 64;
  std::vector<char> text(shift + words * 64, 'x');
  line.copy(text.data() + shift, line.size());
  const char* const at = text.data() + shift;
  const std::vector<uint64_t> untouched(words + 2, 0x5555aaaa5555aaaaULL);
  const simd_list<mark_special_function> all = all_mark_special();
  CHECK(all.count >= 1 && all.count <= std::size(all.functions));
  CHECK(mark_special == all.functions[all.count - 1]);
  for (size_t which = 0; which < all.count; ++which) {
    std::vector<uint64_t> got = untouched;
    all.functions[which](at, line.size(), separator, quote, got.data());
    for (size_t i = 0; i < words * 64; ++i) {
      CHECK_EQ((got[i / 64] >> (i % 64) & 1) != 0, is_special(at[i], separator, quote));
    }
    CHECK(std::equal(got.begin() + words, got.end(), untouched.begin()));
  }
}

TEST(every_instruction_set_marks_what_is_special) {
  test_random random(5);
  for (size_t size = 0; size <= 300; ++size) {
    for (int round = 0; round < 8; ++round) {
      std::string line;
      const uint64_t one_in = 1 + random.below(10);
      for (size_t i = 0; i < size; ++i) {
        line.push_back(random.below(one_in) == 0 ? random.pick(" \t:%&,\"\n\x7f\x1f\x21")
                                                 : static_cast<char>(random.next()));
      }
      check_marks(line, random.below(64), random.pick("\t,;|\xff\x80"), random.pick("\"'\xfe"));
      check_marks(line, random.below(64), ',', 0);
    }
  }
}

TEST(every_byte_in_every_place_of_a_block) {
  for (int byte = 0; byte < 256; ++byte) {
    for (const char around : {'x', ':'}) {
      std::string line(128, around);
      for (size_t at = byte % 8; at < 128; at += 8) line[at] = static_cast<char>(byte);
      check_marks(line, 0, ',', '"');
      check_marks(line, 3, static_cast<char>(byte), 0);
    }
  }
}

}  // namespace
}  // namespace fmtrain
