// Record batches through the Arrow C interfaces: every type, slices and offsets, what is refused,
// and that everything is given back.
#include "encode/arrow_stream.h"

#include "arrow_arrays.h"
#include "row_cells.h"
#include "support.h"

namespace fmtrain {
namespace {

arrow_wants wants_of(const std::vector<std::string>& columns, bool as_number = false) {
  arrow_wants wants;
  wants.columns = columns;
  wants.required.assign(columns.size(), true);
  wants.read.assign(columns.size(), true);
  wants.as_number.assign(columns.size(), as_number);
  return wants;
}

// All rows of the stream, one a line; or the message.
std::string rows_of_stream(ArrowArrayStream stream, const arrow_wants& wants) {
  std::unique_ptr<arrow_stream> opened;
  const status got = arrow_stream::open(&stream, wants, "frame", &opened);
  CHECK(stream.release == nullptr);
  if (!got.ok()) return got.message();
  std::string out;
  arrow_scratch scratch;
  std::vector<cell> cells(wants.columns.size());
  for (cell& c : cells) c.kind = cell_kind::invalid;  // what must not be left
  for (arrow_slice slice;;) {
    const status next = opened->next(&slice);
    if (!next.ok()) return out + next.message();
    if (slice.batch == nullptr) return out;
    CHECK(slice.first < slice.last && slice.last <= slice.batch->rows());
    for (int64_t row = slice.first; row < slice.last; ++row) {
      slice.batch->read(row, scratch, cells.data());
      for (size_t i = 0; i < cells.size(); ++i) out += (i == 0 ? "" : " ") + shown_cell(cells[i]);
      out += "\n";
    }
  }
}

// Of one column, its cells with a blank between them.
std::string cells_of(const arrow_data& column, bool as_number = false) {
  const int before = arrow_objects;
  const arrow_data batch = structure({column.named("x")});
  std::string out = rows_of_stream(export_stream(batch, {batch}), wants_of({"x"}, as_number));
  CHECK_EQ(arrow_objects.load(), before);
  for (char& c : out) c = c == '\n' ? ' ' : c;
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

const std::string long_text(100, 'y');

TEST(integers_are_numbers_or_digits) {
  CHECK_EQ(cells_of(numbers<int8_t>("c", {-128, {}, 7})), "\"-128\" - \"7\"");
  CHECK_EQ(cells_of(numbers<int16_t>("s", {-300, {}, 7})), "\"-300\" - \"7\"");
  CHECK_EQ(cells_of(numbers<int32_t>("i", {100000, {}, 0})), "\"100000\" - \"0\"");
  CHECK_EQ(cells_of(numbers<uint8_t>("C", {255})), "\"255\"");
  CHECK_EQ(cells_of(numbers<uint16_t>("S", {65535})), "\"65535\"");
  CHECK_EQ(cells_of(numbers<uint32_t>("I", {4294967295u})), "\"4294967295\"");
  CHECK_EQ(cells_of(numbers<int64_t>("l", {INT64_MIN, 9007199254740993})),
           "\"-9223372036854775808\" \"9007199254740993\"");
  CHECK_EQ(cells_of(numbers<uint64_t>("L", {UINT64_MAX})), "\"18446744073709551615\"");
  CHECK_EQ(cells_of(numbers<int8_t>("c", {-128, {}}), true), "#-128 -");
  CHECK_EQ(cells_of(numbers<int64_t>("l", {9007199254740993, 5}), true), "#9007199254740992 #5");
  CHECK_EQ(cells_of(numbers<uint64_t>("L", {UINT64_MAX}), true), "#1.8446744073709552e+19");
}

TEST(floats_are_numbers) {
  CHECK_EQ(cells_of(numbers<double>("g", {0.1, {}, -1e300, INFINITY, NAN})),
           "#0.10000000000000001 - #-1.0000000000000001e+300 #inf #nan");
  CHECK_EQ(cells_of(numbers<float>("f", {0.5f, {}, -2.0f})), "#0.5 - #-2");
  CHECK_EQ(cells_of(numbers<uint16_t>(
               "e", {0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0xfc00, 0x7e00, 0x0400, {}})),
           "#1 #-2 #65504 #5.9604644775390625e-08 #-0 #-inf #nan #6.103515625e-05 -");
}

TEST(booleans_and_nulls) {
  CHECK_EQ(cells_of(booleans({true, {}, false})), "!1 - !0");
  arrow_data nothing;
  nothing.format = "n";
  nothing.length = 2;
  nothing.null_count = 2;
  CHECK_EQ(cells_of(nothing), "- -");
}

TEST(texts_of_every_kind) {
  const rows_of<std::string> rows = {"a b", {}, "", long_text, "\xc3\xa9:%"};
  const std::string want = "\"a b\" - \"\" \"" + long_text + "\" \"\xc3\xa9:%\"";
  for (const char* format : {"u", "z"}) CHECK_EQ(cells_of(texts<int32_t>(format, rows)), want);
  for (const char* format : {"U", "Z"}) CHECK_EQ(cells_of(texts<int64_t>(format, rows)), want);
  CHECK_EQ(cells_of(text_views(rows)), want);
  CHECK_EQ(cells_of(text_views({"123456789012", "1234567890123", "12345678901234", {}})),
           "\"123456789012\" \"1234567890123\" \"12345678901234\" -");
  arrow_data fixed = flat_array<int>("w:3", {1, {}, 1});
  fixed.buffers.push_back("abcdefghi");
  CHECK_EQ(cells_of(fixed), "\"abc\" - \"ghi\"");
  // Nothing but empty texts: a library may hand over no buffer for them.
  arrow_data empty = texts<int32_t>("u", {"", ""});
  empty.buffers[2] = std::nullopt;
  CHECK_EQ(cells_of(empty), "\"\" \"\"");
}

TEST(dates_and_timestamps_are_seconds) {
  CHECK_EQ(cells_of(numbers<int32_t>("tdD", {1, {}, -1})), "#86400 - #-86400");
  CHECK_EQ(cells_of(numbers<int64_t>("tdm", {86400000, -1})), "#86400 #-0.0010000000000000009");
  CHECK_EQ(cells_of(numbers<int64_t>("tss:", {1714567890, {}})), "#1714567890 -");
  CHECK_EQ(cells_of(numbers<int64_t>("tsm:UTC", {1500, -1500})), "#1.5 #-1.5");
  CHECK_EQ(cells_of(numbers<int64_t>("tsu:Asia/Tokyo", {1714567890123456})), "#1714567890.123456");
  CHECK_EQ(cells_of(numbers<int64_t>("tsn:", {1714567890123456789})), "#1714567890.1234567");
}

TEST(dictionaries) {
  const arrow_data words = texts<int32_t>("u", {"a", {}, long_text});
  CHECK_EQ(cells_of(dictionary<int8_t>("c", {2, 0, {}, 1}, words)),
           "\"" + long_text + "\" \"a\" - -");
  CHECK_EQ(cells_of(dictionary<uint32_t>("I", {0, 0}, words)), "\"a\" \"a\"");
  CHECK_EQ(cells_of(dictionary<int64_t>("l", {1, 0}, words.sliced(2, 1).sliced(-1, 2))),
           "\"" + long_text + "\" -");
  const arrow_data numbers_in = numbers<int64_t>("l", {5, 9007199254740993});
  CHECK_EQ(cells_of(dictionary<int16_t>("s", {1, 0}, numbers_in)), "\"9007199254740993\" \"5\"");
  CHECK_EQ(cells_of(dictionary<int16_t>("s", {1, 0}, numbers_in), true), "#9007199254740992 #5");
  CHECK_EQ(cells_of(dictionary<int16_t>("s", {1, 0}, text_views({"x", long_text}))),
           "\"" + long_text + "\" \"x\"");
}

TEST(lists_are_items) {
  const rows_of<int> rows = {2, {}, 0, 3};
  CHECK_EQ(cells_of(lists<int32_t>("+l", rows, texts<int32_t>("u", {"a", {}, "", "b", "c d"}))),
           "[a] - [] [|b|c d]");
  CHECK_EQ(cells_of(lists<int64_t>("+L", rows, numbers<int64_t>("l", {1, -2, 100000, {}, 4}))),
           "[1|-2] - [] [100000|4]");
  CHECK_EQ(
      cells_of(lists<int32_t>("+l", rows, numbers<double>("g", {1.5, 100000.0, NAN, 0.1, 1e300}))),
      "[1.5|100000] - [] [0.1|1e+300]");
  CHECK_EQ(cells_of(lists<int32_t>("+l", rows, booleans({true, false, {}, true, true}))),
           "[true|false] - [] [true|true]");
  CHECK_EQ(
      cells_of(lists<int32_t>(
          "+l", rows, dictionary<int8_t>("c", {0, 1, {}, 1, 0}, texts<int64_t>("U", {"a", "b"})))),
      "[a|b] - [] [b|a]");
  CHECK_EQ(cells_of(lists<int32_t>("+l", rows, text_views({"a", {}, long_text, "b", "c"}))),
           "[a] - [] [" + long_text + "|b|c]");
  arrow_data fixed = flat_array<int>("+w:2", {1, {}, 1});
  fixed.children.push_back(numbers<int32_t>("i", {1, 2, 3, 4, 5, 6}));
  CHECK_EQ(cells_of(fixed), "[1|2] - [5|6]");
  CHECK_EQ(cells_of(fixed.sliced(2, 1)), "[5|6]");
}

TEST(maps_are_items_with_weights) {
  const auto map = [](arrow_data keys, arrow_data weights) {
    arrow_data out =
        lists<int32_t>("+m", {2, {}, 0, 1}, structure({keys.named("key"), weights.named("value")}));
    return out;
  };
  CHECK_EQ(
      cells_of(map(texts<int32_t>("u", {"a", "b", "c"}), numbers<double>("g", {0.5, {}, -1.0}))),
      "[a:0.5|b:nan] - [] [c:-1]");
  CHECK_EQ(cells_of(map(numbers<int32_t>("i", {7, 8, 9}), numbers<int64_t>("l", {1, 2, 3}))),
           "[7:1|8:2] - [] [9:3]");
  // Entries that begin later than their keys and values.
  arrow_data entries = structure({texts<int32_t>("u", {"z", "a", "b"}).named("key"),
                                  numbers<float>("f", {9.f, 1.f, 2.f}).named("value")});
  CHECK_EQ(cells_of(lists<int32_t>("+m", {1, 1}, entries.sliced(1, 2))), "[a:1] [b:2]");
}

TEST(slices_and_offsets) {
  const rows_of<std::string> rows = {"a", {}, long_text, "d", {}, "f", "g", "h", {}, "j"};
  for (const arrow_data& all :
       {texts<int32_t>("u", rows), texts<int64_t>("U", rows), text_views(rows)}) {
    const arrow_data column = all.named("x");
    // The column, the batch, both.
    CHECK_EQ(cells_of(column.sliced(8, 2)), "- \"j\"");
    for (int64_t first = 0; first < 10; ++first) {
      std::string want;
      for (size_t i = static_cast<size_t>(first); i < 10; ++i) {
        want += (rows[i].has_value() ? "\"" + *rows[i] + "\"" : "-") + "\n";
      }
      const arrow_data batch = structure({column}).sliced(first, 10 - first);
      CHECK_EQ(rows_of_stream(export_stream(batch, {batch}), wants_of({"x"})), want);
      const arrow_data both = structure({column.sliced(first / 2, 10 - first / 2)})
                                  .sliced(first - first / 2, 10 - first);
      CHECK_EQ(rows_of_stream(export_stream(both, {both}), wants_of({"x"})), want);
    }
  }
  const arrow_data items = texts<int32_t>("u", {"z", "a", {}, "b", "c", "d"}).sliced(1, 5);
  const arrow_data list = lists<int32_t>("+l", {1, 2, {}, 2}, items);
  CHECK_EQ(cells_of(list), "[a] [b] - [c|d]");
  CHECK_EQ(cells_of(list.sliced(1, 3)), "[b] - [c|d]");
  CHECK_EQ(
      cells_of(booleans({true, true, false, {}, true, true, true, true, false, true}).sliced(7, 3)),
      "!1 !0 !1");
}

TEST(nulls_that_nobody_counted_or_marked) {
  arrow_data none = numbers<int32_t>("i", {1, 2});
  none.buffers[0] = std::nullopt;
  none.null_count = 0;
  CHECK_EQ(cells_of(none), "\"1\" \"2\"");
  none.null_count = -1;
  CHECK_EQ(cells_of(none), "\"1\" \"2\"");
  // A row that is null as a whole.
  arrow_data rows = structure({numbers<int32_t>("i", {1, 2, 3}).named("x")});
  rows.buffers[0] = bits_of({true, false, true});
  rows.null_count = 1;
  CHECK_EQ(rows_of_stream(export_stream(rows, {rows, rows.sliced(1, 2)}), wants_of({"x"})),
           "\"1\"\n-\n\"3\"\n-\n\"3\"\n");
}

TEST(columns_by_name) {
  const arrow_data batch = structure({numbers<int32_t>("i", {1, 2}).named("b"),
                                      texts<int32_t>("u", {"x", "y"}).named("a"),
                                      numbers<int64_t>("d:10,2", {1, 2}).named("money")});
  const auto rows = [&](const arrow_wants& wants) {
    return rows_of_stream(export_stream(batch, {batch}), wants);
  };
  CHECK_EQ(rows(wants_of({"a", "b"})), "\"x\" \"1\"\n\"y\" \"2\"\n");
  CHECK_EQ(rows(wants_of({"a", "I3"})), "frame: there is no column 'I3'; there are: b, a, money");
  arrow_wants wants = wants_of({"a", "I3", "b"});
  wants.required[1] = false;
  CHECK_EQ(rows(wants), "\"x\" - \"1\"\n\"y\" - \"2\"\n");
  CHECK_EQ(rows(wants_of({"money"})),
           "frame: column 'money' has the Arrow type decimal128: cast it to float64");
  wants = wants_of({"money", "a"});
  wants.read[0] = false;
  CHECK_EQ(rows(wants), "- \"x\"\n- \"y\"\n");
  const arrow_data twice = structure({batch.children[0], batch.children[0], batch.children[1]});
  CHECK_EQ(rows_of_stream(export_stream(twice, {twice}), wants_of({"b"})),
           "frame: the column 'b' stands twice");
  CHECK_EQ(rows_of_stream(export_stream(twice, {twice}), wants_of({"a"})), "\"x\"\n\"y\"\n");
  CHECK_EQ(rows_of_stream(export_stream(batch.children[0], {}), wants_of({"a"})),
           "frame: columns are expected, and this is of the Arrow type int32");
}

TEST(types_that_no_column_can_hold) {
  const auto refused = [](arrow_data data) {
    data.length = 1;
    return cells_of(data).substr(std::string("frame: column 'x' has the Arrow type ").size());
  };
  const auto plain = [&](const char* format) { return refused(numbers<int64_t>(format, {1})); };
  CHECK_EQ(plain("d:38,10,256"), "decimal256: cast it to float64");
  CHECK_EQ(plain("tts"), "time32[s]: cast it to int64");
  CHECK_EQ(plain("ttn"), "time64[ns]: cast it to int64");
  CHECK_EQ(plain("tDm"), "duration[ms]: cast it to int64");
  const std::string other = ": cast it to a number, a string, or a list of those";
  CHECK_EQ(plain("tiM"), "month_interval" + other);
  CHECK_EQ(plain("+ud:0,1"), "dense_union" + other);
  CHECK_EQ(plain("tsx:"), "timestamp" + other);
  CHECK_EQ(plain("?"), "'?'" + other);
  const arrow_data words = texts<int32_t>("u", {"a"});
  CHECK_EQ(refused(structure({words, words})), "struct<string, string>: make its fields columns");
  CHECK_EQ(refused(lists<int32_t>("+l", {1}, structure({words}))), "list<struct<string>>" + other);
  CHECK_EQ(refused(lists<int32_t>("+l", {1}, lists<int64_t>("+L", {1}, words))),
           "list<large_list<string>>" + other);
  CHECK_EQ(refused(lists<int32_t>("+l", {1}, numbers<int64_t>("tss:", {1}))),
           "list<timestamp>" + other);
  CHECK_EQ(refused(lists<int32_t>("+m", {1}, structure({words, words}))),
           "map<string, string>" + other);
  CHECK_EQ(refused(dictionary<int8_t>("c", {0}, numbers<int64_t>("d:3,1", {1}))),
           "dictionary<decimal128>" + other);
  CHECK_EQ(refused(lists<int32_t>("+vl", {1}, words)), "list_view<string>: cast it to a list");
}

TEST(batches_come_one_by_one_and_go) {
  const int before = arrow_objects;
  constexpr int64_t slice = arrow_stream::slice_rows;
  const auto batch_of = [](int64_t rows) {
    rows_of<int64_t> values;
    for (int64_t i = 0; i < rows; ++i) values.push_back(i);
    return structure({numbers<int64_t>("l", values).named("x")});
  };
  const arrow_data empty = batch_of(0);
  ArrowArrayStream stream = export_stream(
      empty, {empty, batch_of(2 * slice + 1), empty, empty, batch_of(slice), batch_of(1), empty});
  std::unique_ptr<arrow_stream> opened;
  CHECK_OK(arrow_stream::open(&stream, wants_of({"x"}), "frame", &opened));
  std::vector<std::pair<uint64_t, int64_t>> got;
  std::vector<arrow_slice> kept;
  for (arrow_slice next;;) {
    CHECK_OK(opened->next(&next));
    if (next.batch == nullptr) break;
    got.emplace_back(next.batch->first_row() + static_cast<uint64_t>(next.first),
                     next.last - next.first);
    kept.push_back(next);
  }
  const std::vector<std::pair<uint64_t, int64_t>> want = {
      {0, slice}, {slice, slice}, {2 * slice, 1}, {2 * slice + 1, slice}, {3 * slice + 1, 1}};
  CHECK(got == want);
  const int with_batches = arrow_objects;
  kept.erase(kept.begin(), kept.begin() + 2);
  CHECK_EQ(arrow_objects.load(), with_batches);  // one slice of the first batch is left
  kept.erase(kept.begin());
  CHECK_EQ(arrow_objects.load(), with_batches - 2);  // the batch and its column
  opened.reset();
  arrow_scratch scratch;
  cell c;
  kept.back().batch->read(0, scratch, &c);  // outlives its stream
  CHECK_EQ(shown_cell(c), "\"0\"");
  kept.clear();
  CHECK_EQ(arrow_objects.load(), before);
}

TEST(streams_that_fail) {
  const int before = arrow_objects;
  const arrow_data batch = structure({numbers<int32_t>("i", {1}).named("x")});
  CHECK_EQ(
      rows_of_stream(export_stream(batch, {batch}, "disk on fire\nTraceback"), wants_of({"x"})),
      "\"1\"\nframe: the Arrow stream broke off: disk on fire");
  CHECK_EQ(rows_of_stream(export_stream(arrow_data(), {}), wants_of({"x"})),
           "frame: the Arrow stream has no schema: Input/output error");
  const arrow_data other = structure({batch.children[0], batch.children[0]});
  CHECK_EQ(rows_of_stream(export_stream(batch, {batch, other}), wants_of({"x"})),
           "\"1\"\nframe: a record batch has other columns than its stream");
  ArrowArrayStream read_before{};
  CHECK_EQ(rows_of_stream(read_before, wants_of({"x"})), "frame: the Arrow stream was read before");
  CHECK_EQ(arrow_objects.load(), before);
}

}  // namespace
}  // namespace fmtrain
