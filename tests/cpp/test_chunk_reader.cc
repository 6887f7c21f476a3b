// The same bytes in any pieces give the same lines with the same numbers, in bounded memory.
#include "io/chunk_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include "support.h"

namespace {
std::atomic<size_t> largest_allocation{0}, allocations{0};
}  // namespace

// Buffers are arrays of char: what the reader asks for at most is what this sees.
void* operator new[](size_t size) {
  ++allocations;
  size_t seen = largest_allocation;
  while (size > seen && !largest_allocation.compare_exchange_weak(seen, size)) {
  }
  void* const p = std::malloc(size);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete[](void* p, size_t) noexcept { std::free(p); }

namespace fmtrain {
namespace {

constexpr size_t line_limit = 2 * chunk_reader::chunk_bytes;

struct lines_read {
  std::vector<std::pair<uint64_t, std::string>> lines;  // number, text
  std::vector<uint64_t> too_long;
  bool ended_inside_a_line = false;
  bool operator==(const lines_read& other) const {
    return lines == other.lines && too_long == other.too_long &&
           ended_inside_a_line == other.ended_inside_a_line;
  }
};

// The meaning: lines cut at newlines, those of line_limit bytes and more left out.
lines_read expected_of(const std::string& text) {
  lines_read out;
  uint64_t number = 1;
  for (size_t at = 0; at < text.size(); ++number) {
    const size_t newline = std::min(text.find('\n', at), text.size());
    if (newline - at >= line_limit) {
      out.too_long.push_back(number);
    } else {
      out.lines.emplace_back(number, text.substr(at, newline - at));
    }
    out.ended_inside_a_line = newline == text.size();
    at = newline + 1;
  }
  return out;
}

void take_ready(chunk_reader& reader, buffer_pool& pool, bool flush, lines_read* out) {
  chunk c;
  while (reader.next(flush, &c)) {
    CHECK(c.size == 0 || c.data[c.size - 1] == '\n');
    CHECK(c.size <= c.capacity);
    out->too_long.insert(out->too_long.end(), c.too_long.begin(), c.too_long.end());
    uint64_t number = c.first_line;
    for (size_t at = 0; at < c.size; ++number) {
      const char* const first = c.data.get() + at;
      const size_t size = std::string_view(first, c.size - at).find('\n');
      out->lines.emplace_back(number, std::string(first, size));
      at += size + 1;
    }
    pool.give(std::move(c));
  }
}

// Pieces of `piece_of()` bytes. With `flush`, what there is is asked for after every piece.
template <class PieceOf>
lines_read read_in_pieces(const std::string& text, bool flush, PieceOf&& piece_of) {
  buffer_pool pool;
  chunk_reader reader(line_limit, padding_bytes, pool);
  reader.begin("test");
  lines_read out;
  for (size_t at = 0; at < text.size();) {
    const size_t size = std::min<size_t>(piece_of(), text.size() - at);
    for (size_t taken = 0; taken < size;) {
      taken += reader.append(text.data() + at + taken, size - taken);
      take_ready(reader, pool, flush, &out);
    }
    at += size;
  }
  reader.end();
  take_ready(reader, pool, true, &out);
  CHECK_EQ(reader.bytes(), text.size());
  out.ended_inside_a_line = reader.ended_inside_a_line();
  return out;
}

TEST(every_piece_size_and_every_split) {
  for (const std::string text :
       {"", "\n", "a", "a\n", "\n\na", "one\ntwo\r\n\nfour four four four\n# five\n6",
        "a longer line\nand another one, no newline at its end"}) {
    const lines_read expected = expected_of(text);
    for (const bool flush : {false, true}) {
      for (size_t piece = 1; piece <= text.size() + 1; ++piece) {
        CHECK(read_in_pieces(text, flush, [&] { return piece; }) == expected);
      }
      for (size_t split = 1; split < text.size(); ++split) {
        size_t next = split;
        CHECK(read_in_pieces(text, flush, [&] { return std::exchange(next, text.size()); }) ==
              expected);
      }
    }
  }
}

// Lines around the sizes of a chunk and of the longest line, in any order.
std::string text_of_long_lines(test_random& random, int lines) {
  const size_t sizes[] = {0, 1, chunk_reader::chunk_bytes, line_limit};
  std::string text;
  for (int i = 0; i < lines; ++i) {
    const size_t size = sizes[random.below(4)] + random.below(4);
    text.append(size > 2 ? size - 2 : size, static_cast<char>('a' + i % 26)).push_back('\n');
  }
  return text;
}

TEST(long_lines_and_too_long_lines) {
  test_random random(3);
  for (int round = 0; round < 12; ++round) {
    std::string text = text_of_long_lines(random, 7);
    if (round % 2 == 0) text.pop_back();
    const lines_read expected = expected_of(text);
    for (const size_t piece : {size_t{777}, size_t{65536}, chunk_reader::chunk_bytes - 1,
                               chunk_reader::chunk_bytes + 1, text.size()}) {
      CHECK(read_in_pieces(text, false, [&] { return piece; }) == expected);
    }
    CHECK(read_in_pieces(text, true, [&] { return 1 + random.below(300000); }) == expected);
  }
}

TEST(many_short_lines_over_many_chunks) {
  test_random random(4);
  std::string text;
  while (text.size() < 5 * chunk_reader::chunk_bytes) {
    text.append(random.below(90), 'x').push_back('\n');
  }
  const lines_read expected = expected_of(text);
  for (const size_t piece : {size_t{4096}, size_t{100003}, text.size()}) {
    CHECK(read_in_pieces(text, false, [&] { return piece; }) == expected);
  }
}

TEST(a_descriptor_gives_the_same_as_bytes) {
  test_random random(6);
  const std::string text = text_of_long_lines(random, 9) + "the last";
  const temporary_folder folder;
  write_file(folder.path("text"), text);
  const int fd = ::open(folder.path("text").c_str(), O_RDONLY);
  buffer_pool pool;
  chunk_reader reader(line_limit, padding_bytes, pool);
  reader.begin("text");
  lines_read out;
  for (size_t got = 1; got > 0;) {
    CHECK_OK(reader.read(fd, &got));
    take_ready(reader, pool, false, &out);
  }
  ::close(fd);
  reader.end();
  take_ready(reader, pool, true, &out);
  out.ended_inside_a_line = reader.ended_inside_a_line();
  CHECK(out == expected_of(text));

  size_t got = 0;
  const status closed = reader.read(fd, &got);
  CHECK_EQ(closed.code(), errc::io);
  CHECK(closed.message().find("text: cannot read") == 0);
}

TEST(the_next_input_starts_afresh) {
  buffer_pool pool;
  chunk_reader reader(line_limit, padding_bytes, pool);
  lines_read out;
  reader.begin("first");
  reader.append("a\nb", 3);
  reader.end();
  CHECK(reader.ended_inside_a_line());
  reader.begin("second", 100);
  reader.append("c\n", 2);
  reader.end();
  CHECK(!reader.ended_inside_a_line());
  chunk c;
  CHECK(reader.next(true, &c));
  CHECK_EQ(*c.source, std::string("first"));
  CHECK_EQ(std::string(c.data.get(), c.size), std::string("a\nb\n"));
  CHECK(reader.next(true, &c));
  CHECK_EQ(*c.source, std::string("second"));
  CHECK_EQ(c.first_line, 100u);
  CHECK_EQ(std::string(c.data.get(), c.size), std::string("c\n"));
  CHECK(!reader.next(true, &c));
}

// A buffer of the ordinary size is used again; one that a long line needed goes back to the system.
TEST(buffers_come_back) {
  buffer_pool pool;
  for (const auto& [capacity, fresh] :
       {std::pair<size_t, size_t>{chunk_reader::chunk_bytes, 0}, {line_limit, 1}}) {
    chunk used = pool.take(capacity, padding_bytes);
    used.too_long = {1};
    used.source = std::make_shared<const std::string>("before");
    pool.give(std::move(used));
    const size_t before = allocations;
    const chunk next = pool.take(capacity, padding_bytes);
    CHECK_EQ(allocations - before, fresh);
    CHECK_EQ(next.capacity, capacity);
    CHECK(next.too_long.empty() && next.source == nullptr);
  }
}

TEST(an_input_without_newlines_takes_bounded_memory) {
  const std::string piece(1 << 20, 'x');
  largest_allocation = 0;
  buffer_pool pool;
  chunk_reader reader(line_limit, padding_bytes, pool);
  reader.begin("endless");
  chunk c;
  for (int mebibyte = 0; mebibyte < 256; ++mebibyte) {
    for (size_t at = 0; at < piece.size();) {
      at += reader.append(piece.data() + at, piece.size() - at);
      CHECK(!reader.next(true, &c));
    }
  }
  reader.end();
  CHECK(reader.next(true, &c));
  CHECK(c.too_long == std::vector<uint64_t>{1});
  CHECK_EQ(c.size, 0u);
  CHECK(!reader.next(true, &c));
  CHECK(reader.ended_inside_a_line());
  CHECK(largest_allocation <= line_limit + padding_bytes);
}

// Every chunk of an input has its first line, and only the first chunk has it among its bytes.
TEST(headers_go_with_their_chunks) {
  buffer_pool pool;
  pool.chunk_bytes = 64;
  chunk_reader reader(256, padding_bytes, pool);
  std::string seen;
  const auto feed = [&](const char* name, const std::string& text, bool header) {
    reader.begin(name, 1, header);
    chunk c;
    for (size_t at = 0; at < text.size();) {
      at += reader.append(text.data() + at, std::min<size_t>(7, text.size() - at));
      if (at >= text.size()) reader.end();
      while (reader.next(at >= text.size(), &c)) {
        const std::string line = c.header == nullptr ? "none\n" : *c.header;
        CHECK(c.header == nullptr || c.header->capacity() >= line.size() + padding_bytes);
        seen += *c.source + std::to_string(c.first_line) + "+" + std::to_string(c.header_bytes) +
                " " + line;
        CHECK(std::string(c.data.get(), c.header_bytes) == line.substr(0, c.header_bytes));
        pool.give(std::move(c));
      }
    }
  };
  const std::string row(39, 'r');
  feed("a", "h\n" + row + "\n" + row + "\n", true);
  feed("b", "x,y", true);
  feed("c", row + "\n", false);
  // Longer than a chunk, and longer than a line may be: then the next line is none either.
  feed("d", std::string(99, 'h') + "\n" + row + "\n", true);
  feed("e", std::string(999, 'h') + "\nx\n" + row, true);
  feed("f", std::string(999, 'h'), true);
  feed("g", "x\n", true);
  const std::string long_header = " " + std::string(99, 'h') + "\n";
  CHECK_EQ(seen, "a1+2 h\na3+0 h\nb1+4 x,y\nc1+0 none\nd1+100" + long_header + "d2+0" +
                     long_header + "e2+0 none\nf1+0 none\ng1+2 x\n");
}

}  // namespace
}  // namespace fmtrain
