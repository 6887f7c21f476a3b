#include "encode/row_source.h"

#include <cmath>
#include <utility>

#include "encode/row_lines.h"

namespace fmtrain {
namespace {

class row_source : public chunk_source {
 public:
  row_source(chunk text, std::unique_ptr<row_reader> reader, row_input& input, line_log& log)
      : is_first_(text.number == 0),
        lines_(std::move(text), std::move(reader), input.plan().plan().columns.size(), log),
        input_(input),
        log_(log),
        rows_(input.plan(), input.options()) {}
  ~row_source() override { input_.guards().add(rows_.cells().take_counts()); }

  bool fill(batch& out) override {
    line_counts counts{};
    rows_.begin(out);
    while (lines_.more() && !out.full()) {
      parse_result got = lines_.next();
      if (got.kind == line_kind::sample) got = rows_.add(lines_.cells(), lines_.line(), out);
      if (!is_bad(got.kind)) {
        ++counts[static_cast<int>(got.kind)];
        if (is_first_ && got.kind == line_kind::sample) {
          input_.golden().offer(input_.plan(), lines_.cells());
        }
        continue;
      }
      lines_.refuse(got.kind, got.where, rows_.cells().lead_of(got.kind));
    }
    rows_.end(out);
    log_.add(counts);
    return out.samples > 0;
  }

  const std::string& name() const override { return lines_.source(); }
  std::string_view line_at(uint64_t line) const override { return lines_.line_at(line); }
  chunk take_chunk() override { return lines_.take_chunk(); }

 private:
  const bool is_first_;
  row_lines lines_;
  row_input& input_;
  line_log& log_;
  row_encoder rows_;
};

}  // namespace

status row_input::make_reader(const std::string& source, const std::string* header,
                              std::unique_ptr<row_reader>* out) const {
  const std::vector<std::string> names = plan_.column_names();
  if (format_ == row_format::jsonl) {
    *out = make_json_reader(names);
    return {};
  }
  row_layout layout;
  layout.columns = names.size();
  if (how_.header) {
    const char* const first = header->data();
    const char* last = first + header->size() - 1;
    if (last > first && last[-1] == '\r') --last;
    FMTRAIN_TRY(read_header(first, last, how_, names, plan_.required(options_.label_required),
                            source, &layout));
  } else {
    for (size_t column = 0; column < names.size(); ++column) {
      layout.column_at.push_back(plan_.reads(column) ? static_cast<int32_t>(column)
                                                     : row_layout::unread);
    }
  }
  *out = make_delimited_reader(how_, layout);
  return {};
}

status row_input::open(chunk text, line_log& log, std::unique_ptr<chunk_source>* out) {
  std::unique_ptr<row_reader> reader;
  if (has_header() && text.header == nullptr) {
    return {errc::invalid, *text.source + ": the header is longer than a line may be, " +
                               std::to_string(line_bytes_max >> 20) + " MiB"};
  }
  FMTRAIN_TRY(make_reader(*text.source, text.header.get(), &reader));
  *out = std::make_unique<row_source>(std::move(text), std::move(reader), *this, log);
  return {};
}

}  // namespace fmtrain
