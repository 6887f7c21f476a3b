// A bucket of the index against a plain array of tags and numbers.
#include "model/bucket.h"

#include <cstring>

#include "support.h"

namespace fmtrain {
namespace {

struct plain_bucket {
  uint8_t tag[bucket::slots] = {};
  uint32_t number[bucket::slots] = {};

  uint32_t match(uint8_t wanted) const {
    uint32_t found = 0;
    for (uint32_t i = 0; i < bucket::slots; ++i) found |= uint32_t{tag[i] == wanted} << i;
    return found;
  }
};

void check_same(const bucket& b, const plain_bucket& plain) {
  for (int tag = 0; tag < 256; ++tag) {
    CHECK_EQ(b.match(static_cast<uint8_t>(tag)), plain.match(static_cast<uint8_t>(tag)));
  }
  CHECK_EQ(b.empty(), plain.match(0));
  for (uint32_t i = 0; i < bucket::slots; ++i) CHECK_EQ(b.number(i), plain.number[i]);
}

constexpr uint32_t largest_number = (1u << bucket::number_bits) - 1;

// Slots in any order, tags that often repeat or differ in one bit, numbers of all sizes.
TEST(a_bucket_is_an_array_of_tags_and_numbers) {
  test_random random(1);
  for (int round = 0; round < 2000; ++round) {
    bucket b{};
    plain_bucket plain;
    check_same(b, plain);
    const auto tag = static_cast<uint8_t>(1 + random.below(255));
    uint32_t order[bucket::slots];
    for (uint32_t i = 0; i < bucket::slots; ++i) {
      const auto with = static_cast<uint32_t>(random.below(i + 1));
      order[i] = order[with];
      order[with] = i;
    }
    for (const uint32_t slot : order) {
      CHECK((b.empty() >> slot & 1) != 0);
      const auto near = static_cast<uint8_t>(tag ^ (1 << random.below(8)));
      plain.tag[slot] = random.below(2) == 0 || near == 0 ? tag : near;
      plain.number[slot] = static_cast<uint32_t>(random.next()) & largest_number;
      b.fill(slot, plain.tag[slot], plain.number[slot]);
    }
    check_same(b, plain);
    CHECK_EQ(b.empty(), 0u);
  }
}

TEST(every_tag_and_the_ends_of_the_numbers_in_every_slot) {
  for (uint32_t slot = 0; slot < bucket::slots; ++slot) {
    for (int tag = 1; tag < 256; ++tag) {
      bucket b{};
      plain_bucket plain;
      plain.tag[slot] = static_cast<uint8_t>(tag);
      b.fill(slot, plain.tag[slot], 0);
      CHECK_EQ(b.match(plain.tag[slot]), 1u << slot);
      CHECK_EQ(b.empty(), 0xFFFFu & ~(1u << slot));
    }
    for (const uint32_t number : {0u, 1u, 0xFFFFu, 0x10000u, 0xFF0000u, largest_number}) {
      bucket b{};
      plain_bucket plain;
      plain.tag[slot] = 0x80;
      plain.number[slot] = number;
      b.fill(slot, 0x80, number);
      check_same(b, plain);
    }
  }
}

// What processors without SSE2 search with: eight tags a word.
TEST(a_word_of_tags_matches_byte_by_byte) {
  test_random random(2);
  const auto check_word = [](uint64_t word) {
    for (int tag = 0; tag < 256; ++tag) {
      uint32_t expected = 0;
      for (uint32_t i = 0; i < 8; ++i) {
        expected |= uint32_t{(word >> (8 * i) & 0xFF) == static_cast<uint64_t>(tag)} << i;
      }
      CHECK_EQ(bucket::match_word(word, static_cast<uint8_t>(tag)), expected);
    }
  };
  // A carry from byte to byte shows where the neighbour of a match differs from it in one bit.
  for (const uint64_t word :
       {uint64_t{0}, ~uint64_t{0}, uint64_t{0x0100010001000100}, uint64_t{0x8000800080008000},
        uint64_t{0x7F807F807F807F80}, uint64_t{0x0001010000010100}}) {
    check_word(word);
  }
  for (int round = 0; round < 5000; ++round) {
    uint64_t word = random.next();
    if (round % 2 == 0) {
      const uint64_t base = random.below(256) * 0x0101010101010101ULL;
      word = base ^ (random.next() & random.next() & 0x8181818181818181ULL);
    }
    check_word(word);
  }
}

}  // namespace
}  // namespace fmtrain
