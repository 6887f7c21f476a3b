// The bits of a line's separators: every instruction set against the definition, and the walk.
#include "feature/separators.h"

#include <algorithm>

#include "support.h"

namespace fmtrain {
namespace {

constexpr std::string_view ends = " \t:\n";

bool is_separator(char c) { return ends.find(c) != std::string_view::npos; }

// A line in a block of its own size: whole blocks of 64 bytes may be read, not one byte more, and
// the bytes behind the line are separators.
struct line_in_blocks {
  size_t size;
  size_t words;
  std::vector<char> text;
  const char* at;

  line_in_blocks(const std::string& line, size_t shift)
      : size(line.size()),
        words((size + 63) / 64),
        text(shift + words * 64, ':'),
        at(text.data() + shift) {
    line.copy(text.data() + shift, size);
  }
};

void check_marks(const std::string& line, size_t shift) {
  const line_in_blocks in(line, shift);
  const simd_list<mark_separators_function> all = all_mark_separators();
  // Words that are not the line's stay as they were.
  const std::vector<uint64_t> untouched(in.words + 2, 0x5555aaaa5555aaaaULL);
  std::vector<uint64_t> plain = untouched;
  all.functions[0](in.at, in.size, plain.data());
  for (size_t i = 0; i < in.words * 64; ++i) {
    CHECK_EQ((plain[i / 64] >> (i % 64) & 1) != 0, is_separator(in.at[i]));
  }
  CHECK(std::equal(plain.begin() + in.words, plain.end(), untouched.begin()));
  for (size_t which = 1; which < all.count; ++which) {
    std::vector<uint64_t> got = untouched;
    all.functions[which](in.at, in.size, got.data());
    CHECK(got == plain);
  }
  std::vector<uint64_t> used = untouched;
  mark_separators(in.at, in.size, used.data());
  CHECK(used == plain);
}

// Bytes that differ from an end in one bit are what a wrong mask would take for one.
std::string random_line(test_random& random, size_t size) {
  std::string line;
  const uint64_t one_in = 1 + random.below(40);
  for (size_t i = 0; i < size; ++i) {
    const auto near = static_cast<char>(random.pick(ends) ^ (1 << random.below(8)));
    line.push_back(random.below(one_in) == 0 ? random.pick(ends)
                   : random.below(2) == 0    ? near
                                             : static_cast<char>(random.next()));
  }
  return line;
}

TEST(every_instruction_set_marks_what_the_plain_one_marks) {
  test_random random(5);
  for (size_t size = 0; size <= 300; ++size) {
    for (int round = 0; round < 20; ++round) {
      check_marks(random_line(random, size), random.below(64));
    }
  }
}

TEST(every_byte_in_every_place_of_a_block) {
  for (int byte = 0; byte < 256; ++byte) {
    for (const char around : {'x', ':'}) {
      std::string line(128, around);
      for (size_t at = byte % 8; at < 128; at += 8) line[at] = static_cast<char>(byte);
      check_marks(line, 0);
    }
  }
  for (size_t at = 0; at < 128; ++at) {
    for (const char end : ends) {
      std::string line(128, 'x');
      line[at] = end;
      check_marks(line, at % 3);
    }
  }
}

TEST(the_lists_last_is_the_one_in_use) {
  const simd_list<mark_separators_function> all = all_mark_separators();
  CHECK(all.count >= 1 && all.count <= std::size(all.functions));
  CHECK(mark_separators == all.functions[all.count - 1]);
}

// From separator to separator, as a scan of the bytes one by one would find them.
TEST(the_walk_stops_at_every_separator_in_order) {
  test_random random(6);
  for (int round = 0; round < 5000; ++round) {
    const std::string line = random_line(random, random.below(300)) + "\n";
    const line_in_blocks in(line, random.below(64));
    std::vector<uint64_t> words(in.words);
    mark_separators(in.at, in.size, words.data());
    separators walk(in.at, words.data());
    for (size_t i = 0; i < line.size(); ++i) {
      if (is_separator(line[i])) CHECK_EQ(walk.next() - in.at, static_cast<ptrdiff_t>(i));
    }
  }
}

// A token far longer than a block: words without a bit are passed over.
TEST(the_walk_passes_over_empty_blocks) {
  for (const size_t size : {63, 64, 65, 127, 128, 1000}) {
    const std::string line = std::string(size, 'x') + "\n";
    const line_in_blocks in(line, 0);
    std::vector<uint64_t> words(in.words);
    mark_separators(in.at, in.size, words.data());
    CHECK_EQ(separators(in.at, words.data()).next() - in.at, static_cast<ptrdiff_t>(size));
  }
}

}  // namespace
}  // namespace fmtrain
