// Slices of record batches as sources of samples: the same samples as of JSON lines, bad rows,
// guards, golden rows, many workers.
#include "encode/arrow_source.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "arrow_arrays.h"
#include "feature/sample_stream.h"
#include "support.h"

namespace fmtrain {
namespace {

constexpr const char* schema_text = R"({
  "columns": {
    "label": {"role": "label"},
    "weight": {"role": "weight"},
    "who": {"role": "key"},
    "n": {"type": "number", "range": [0, 1e6], "outside-as": "reject"},
    "c": {"type": "category"},
    "tags": {"type": "list"},
    "likes": {"type": "weighted-list"},
    "when": {"type": "timestamp", "role": "ignore"},
    "unused": {"role": "ignore"}
  },
  "features": {"hour": {"from": "when", "transforms": ["hour"]},
               "cross": {"cross": ["c", "tags"]}}
})";

std::shared_ptr<const encoder> plan_of(const char* text) {
  std::shared_ptr<const encoder> plan;
  CHECK_OK(encoder::compile(text, {}, 0, &plan));
  return plan;
}

// Samples as text, in order: "label weight key line id:x ...".
void show_samples(const batch& in, std::string* out) {
  for (size_t s = 0; s < in.samples; ++s) {
    *out += check::show(in.label[s]) + " " + check::show(in.weight[s]) + " " +
            std::string(in.key[s]) + " " + std::to_string(in.line[s]);
    for (uint32_t i = in.begin[s]; i < in.begin[s + 1]; ++i) {
      *out += " " + std::string(in.name_of(i)) + "/" + std::to_string(in.id[i]) + ":" +
              check::show(in.x[i]);
    }
    *out += "\n";
  }
}

std::string samples_of(batch_source& source) {
  std::string out;
  batch in;
  for (in.clear(); source.fill(in); in.clear()) show_samples(in, &out);
  return out;
}

std::string arrow_samples(const arrow_data& rows, row_input& input, line_log& log) {
  ArrowArrayStream stream = export_stream(rows, {rows});
  std::unique_ptr<arrow_stream> opened;
  CHECK_OK(arrow_stream::open(&stream, arrow_wants_of(input.plan(), input.options().label_required),
                              "frame", &opened));
  std::string out;
  for (arrow_slice slice;;) {
    CHECK_OK(opened->next(&slice));
    if (slice.batch == nullptr) return out;
    out += samples_of(*make_arrow_source(slice, "frame", input, log));
  }
}

std::string json_samples(const std::string& lines, row_input& input, line_log& log) {
  chunk text;
  text.data = std::make_unique<char[]>(lines.size() + padding_bytes);
  lines.copy(text.data.get(), lines.size());
  text.size = text.capacity = lines.size();
  text.first_line = 1;
  text.source = std::make_shared<const std::string>("lines");
  std::unique_ptr<chunk_source> source;
  CHECK_OK(input.open(std::move(text), log, &source));
  return samples_of(*source);
}

row_options with_names() {
  row_options options;
  options.names = true;
  return options;
}

// What the lines of `as_json` say.
arrow_data as_arrow() {
  const arrow_data likes =
      lists<int32_t>("+m", {2, {}, 0},
                     structure({texts<int32_t>("u", {"x", "y"}).named("key"),
                                numbers<double>("g", {0.5, -1.0}).named("value")}));
  return structure(
      {numbers<int64_t>("l", {1, 0, 1}).named("label"),
       numbers<float>("f", {2.f, {}, 0.5f}).named("weight"),
       text_views({"u 7", {}, "another:key:with%"}).named("who"),
       numbers<double>("g", {0.25, NAN, 100000.0}).named("n"),
       numbers<int64_t>("l", {100000, {}, 9007199254740993}).named("c"),
       lists<int64_t>("+L", {2, 0, {}}, texts<int32_t>("u", {"a b", "c"})).named("tags"),
       likes.named("likes"), numbers<int64_t>("tsu:", {1714566896123456, {}, -1}).named("when"),
       numbers<int64_t>("d:10,2", {0, 0, 0}).named("unused")});
}

const std::string as_json =
    R"({"label":1,"weight":2,"who":"u 7","n":0.25,"c":100000,"tags":["a b","c"],)"
    R"("likes":{"x":0.5,"y":-1},"when":"2024-05-01T12:34:56.123456"})"
    "\n"
    R"({"label":"0","who":null,"n":"nan","tags":[],"unused":5})"
    "\n"
    R"({"label":true,"weight":0.5,"who":"another:key:with%","n":100000,)"
    R"("c":"9007199254740993","likes":{},"when":"1969-12-31 23:59:59.999999"})"
    "\n";

TEST(the_same_samples_as_of_json_lines) {
  const auto plan = plan_of(schema_text);
  row_input frames(*plan, row_format::columns, with_names());
  row_input lines(*plan, row_format::jsonl, with_names());
  line_log log;
  const std::string got = arrow_samples(as_arrow(), frames, log);
  CHECK_EQ(std::count(got.begin(), got.end(), '\n'), 3);
  CHECK_EQ(got, json_samples(as_json, lines, log));
  CHECK(got.find(" c=100000/") != got.npos);
  CHECK_EQ(log.counts()[static_cast<int>(line_kind::sample)], 6u);
  const guard_counts a = frames.guards().counts(), b = lines.guards().counts();
  CHECK_EQ(a.size(), 9u);
  CHECK_EQ(b.size(), 9u);
  for (size_t i = 0; i < a.size(); ++i) {
    CHECK_EQ(a[i].rows, b[i].rows);
    CHECK_EQ(a[i].missing, b[i].missing);
    CHECK_EQ(a[i].nan, b[i].nan);
  }
  CHECK_EQ(frames.golden().rows().size(), 3u);
  for (const std::string& row : frames.golden().rows()) {
    batch one;
    CHECK_OK(encode_row(*plan, row, one));
  }
}

TEST(bad_rows_name_their_column_and_row) {
  const auto plan = plan_of(schema_text);
  row_input input(*plan, row_format::columns, row_options());
  line_log log;
  arrow_data rows = as_arrow();
  rows.children[0] = texts<int32_t>("u", {"1", "x", {}}).named("label");
  rows.children[3] = numbers<double>("g", {1e7, 1.0, 1.0}).named("n");
  CHECK_EQ(arrow_samples(rows, input, log), "");
  const std::vector<bad_line> bad = log.examples();
  CHECK_EQ(bad.size(), 3u);
  if (bad.size() != 3) return;
  CHECK_EQ(bad[0].source, "frame");
  CHECK_EQ(bad[0].kind, line_kind::rejected_cell);
  CHECK_EQ(bad[0].detail, "n: 1e+07");
  CHECK_EQ(bad[1].kind, line_kind::bad_label);
  CHECK_EQ(bad[1].detail, "label: x");
  CHECK_EQ(bad[1].line, 2u);
  CHECK_EQ(bad[2].kind, line_kind::missing_label);
  CHECK_EQ(bad[2].detail, "label: ");
}

TEST(a_label_is_wanted_only_where_rows_are_to_learn_from) {
  const auto plan = plan_of(schema_text);
  row_options options;
  options.label_required = false;
  row_input input(*plan, row_format::columns, options);
  arrow_data rows = as_arrow();
  rows.children.erase(rows.children.begin());
  ArrowArrayStream stream = export_stream(rows, {rows});
  std::unique_ptr<arrow_stream> opened;
  CHECK_EQ(arrow_stream::open(&stream, arrow_wants_of(*plan, true), "frame", &opened).message(),
           "frame: there is no column 'label'; there are: weight, who, n, c, tags, likes, when, "
           "unused");
  line_log log;
  CHECK(!arrow_samples(rows, input, log).empty());
}

// Keeps what it is given by the source's order.
class keeper : public batch_consumer {
 public:
  status consume(size_t, uint64_t order, const batch_source&, batch& in) override {
    const std::lock_guard<std::mutex> hold(lock_);
    if (texts_.size() <= order) texts_.resize(order + 1);
    show_samples(in, &texts_[order]);
    return {};
  }
  status finish_source(size_t, uint64_t) override { return {}; }
  std::string text() const {
    std::string all;
    for (const std::string& text : texts_) all += text;
    return all;
  }

 private:
  std::mutex lock_;
  std::vector<std::string> texts_;
};

TEST(workers_share_a_large_batch) {
  const auto plan = plan_of(R"({"columns": {"label": {"role": "label"}, "c": {}}})");
  constexpr int64_t rows = 3 * arrow_stream::slice_rows + 5;
  rows_of<int32_t> values;
  rows_of<bool> labels;
  for (int32_t i = 0; i < rows; ++i) {
    values.push_back(i);
    labels.push_back(i % 3 == 0);
  }
  const arrow_data whole =
      structure({booleans(labels).named("label"), numbers<int32_t>("i", values).named("c")});
  const int before = arrow_objects;
  row_input alone(*plan, row_format::columns, with_names());
  line_log log;
  const std::string want = arrow_samples(whole, alone, log);
  CHECK_EQ(std::count(want.begin(), want.end(), '\n'), rows);

  row_input input(*plan, row_format::columns, with_names());
  keeper kept;
  sample_stream samples(3, parse_options(), kept);
  ArrowArrayStream stream =
      export_stream(whole, {whole.sliced(0, 100), whole.sliced(100, rows - 100)});
  std::unique_ptr<arrow_stream> opened;
  CHECK_OK(arrow_stream::open(&stream, arrow_wants_of(*plan, true), "frame", &opened));
  for (arrow_slice slice;;) {
    CHECK_OK(opened->next(&slice));
    if (slice.batch == nullptr) break;
    CHECK_OK(samples.push(make_arrow_source(slice, "frame", input, samples.log())));
  }
  opened.reset();
  CHECK_OK(samples.finish());
  CHECK(kept.text() == want);
  CHECK_EQ(arrow_objects.load(), before);
  CHECK_EQ(input.golden().rows().size(), alone.golden().rows().size());
  CHECK(input.golden().rows() == alone.golden().rows());
}

}  // namespace
}  // namespace fmtrain
