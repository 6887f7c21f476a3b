// Arbitrary bytes as a schema and rows: a schema is refused with a reason or encodes, and then rows
// give the same samples in one piece or in two, with names or without, and printed and parsed
// again.
//
// Byte 0: the format and bit 2 whether a label is required. Then the schema, a 0 byte, the rows.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "encode/row_source.h"
#include "encode/sample_writer.h"
#include "fuzz.h"
#include "io/chunk_reader.h"

using namespace fmtrain;

namespace {

struct encoded {
  sample_arrays samples;
  std::string log;
  guard_counts guards;
};

std::string shown(const line_log& log) {
  std::string out;
  for (const uint64_t count : log.counts()) out += std::to_string(count) + " ";
  for (const bad_line& bad : log.examples()) {
    out += std::to_string(bad.line) + ":" + std::to_string(bad.column) + ":" + bad.detail + "\n";
  }
  return out;
}

// Whole lines of the first `cut` bytes are a chunk of their own.
encoded encode(const encoder& plan, row_format format, const row_options& options,
               std::string_view text, size_t cut) {
  encoded out;
  buffer_pool pool;
  pool.chunk_bytes = 4096;
  chunk_reader reader(line_bytes_max, padding_bytes, pool);
  row_input input(plan, format, options);
  line_log log;
  batch samples;
  reader.begin("f", 1, input.has_header());
  const auto drain = [&](bool flush) {
    chunk piece;
    while (reader.next(flush, &piece)) {
      std::unique_ptr<chunk_source> source;
      const status opened = input.open(std::move(piece), log, &source);
      FUZZ_CHECK(opened.ok() || opened.message().find("f: the header ") == 0);
      if (!opened.ok()) return;
      for (samples.clear(); source->fill(samples); samples.clear()) {
        for (size_t i = 0; i < samples.features; ++i) {
          FUZZ_CHECK(std::isfinite(samples.x[i]) && samples.x[i] != 0);
        }
        for (size_t s = 0; s < samples.samples; ++s) {
          FUZZ_CHECK(samples.label[s] >= 0 && samples.label[s] <= 1);
          FUZZ_CHECK(samples.weight[s] >= 0 && std::isfinite(samples.weight[s]));
          FUZZ_CHECK(source->line_at(samples.line[s]).size() < text.size() + 1);
        }
        out.samples.append(samples);
      }
      pool.give(source->take_chunk());
    }
  };
  const auto append = [&](std::string_view more) {
    while (!more.empty()) {
      more.remove_prefix(reader.append(more.data(), more.size()));
      drain(false);
    }
  };
  append(text.substr(0, cut));
  drain(true);
  append(text.substr(cut));
  reader.end();
  drain(true);
  out.log = shown(log);
  out.guards = input.guards().counts();
  for (const std::string& row : input.golden().rows()) {
    batch golden;
    (void)encode_row(plan, row, golden);
  }
  return out;
}

void check_same(const encoded& a, const encoded& b) {
  FUZZ_CHECK(a.samples.id == b.samples.id && a.samples.x == b.samples.x);
  FUZZ_CHECK(a.samples.label == b.samples.label && a.samples.weight == b.samples.weight);
  FUZZ_CHECK(a.samples.line == b.samples.line && a.samples.keys == b.samples.keys);
  FUZZ_CHECK(a.samples.features == b.samples.features);
  FUZZ_CHECK(a.log == b.log && a.guards.size() == b.guards.size());
  const size_t bytes = a.guards.size() * sizeof(column_guard);
  FUZZ_CHECK(bytes == 0 || std::memcmp(a.guards.data(), b.guards.data(), bytes) == 0);
}

void feed(sample_stream& stream, std::string_view text) {
  stream.begin("f");
  for (size_t at = 0; at < text.size() && !stream.stopped();) {
    size_t taken = 0;
    FUZZ_CHECK(
        stream.feed(text.data() + at, text.size() - at, std::chrono::seconds(1), &taken).ok());
    at += taken;
  }
  FUZZ_CHECK(stream.end().ok());
}

// The rows' samples as text, and what that text is parsed to.
void check_printed(const encoder& plan, row_format format, const row_options& options,
                   std::string_view rows, const encoded& want) {
  row_input input(plan, format, options);
  parse_options parsing;
  parsing.names = true;
  parsing.hash_seed = plan.hash_seed();
  parsing.rows = &input;
  const int fd = ::memfd_create("samples", MFD_CLOEXEC);
  sample_writer printer(1, parsing, fd);
  feed(printer.input(), rows);
  const bool whole = printer.finish().ok();
  std::string text(static_cast<size_t>(::lseek(fd, 0, SEEK_END)), '\0');
  FUZZ_CHECK(::pread(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  ::close(fd);
  if (!whole) return;
  parsing.rows = nullptr;
  sample_writer parser(1, parsing, -1);
  feed(parser.input(), text);
  FUZZ_CHECK(parser.finish().ok());
  const sample_arrays got = parser.take();
  FUZZ_CHECK(got.id == want.samples.id && got.x == want.samples.x);
  FUZZ_CHECK(got.label == want.samples.label && got.weight == want.samples.weight);
  FUZZ_CHECK(got.features == want.samples.features);
  FUZZ_CHECK(got.names == want.samples.names && got.keys == want.samples.keys);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view all(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::string_view schema_text = all.substr(0, all.find('\0'));
  const std::string_view rows = all.substr(std::min(all.size(), schema_text.size() + 1));
  std::shared_ptr<const encoder> plan;
  schema_error error;
  const status made = encoder::compile(schema_text, {}, 3, &plan, &error);
  FUZZ_CHECK(made.ok() == (plan != nullptr) && made.ok() == error.message.empty());
  FUZZ_CHECK(made.message().size() >= error.message.size());
  if (!made.ok()) return 0;
  (void)plan->check_fitted();
  const row_format formats[] = {row_format::tsv, row_format::csv, row_format::jsonl,
                                row_format::tsv};
  const row_format format = formats[data[0] & 3];
  const bool label = (data[0] & 4) != 0;
  const encoded whole = encode(*plan, format, {true, label}, rows, rows.size());
  check_same(whole, encode(*plan, format, {false, label}, rows, rows.size() / 2));
  // Packed samples, which the stream takes from any input, are another matter.
  if (rows.empty() || (rows[0] & 0x80) == 0) {
    check_printed(*plan, format, {true, label}, rows, whole);
  }
  return 0;
}
