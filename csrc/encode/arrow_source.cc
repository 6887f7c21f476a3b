#include "encode/arrow_source.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

namespace fmtrain {
namespace {

class arrow_source : public batch_source {
 public:
  arrow_source(arrow_slice slice, std::string input, row_input& rows, line_log& log)
      : slice_(std::move(slice)),
        input_(std::move(input)),
        input_rows_(rows),
        log_(log),
        rows_(rows.plan(), rows.options()),
        cells_(slice_.batch->width()),
        at_(slice_.first),
        // Golden rows are of the stream's begin, however many threads there are.
        is_first_(slice_.batch->first_row() == 0 && slice_.first == 0) {}
  ~arrow_source() override { input_rows_.guards().add(rows_.cells().take_counts()); }

  bool fill(batch& out) override {
    line_counts counts{};
    rows_.begin(out);
    while (at_ < slice_.last && !out.full()) {
      slice_.batch->read(at_, scratch_, cells_.data());
      const uint64_t line = slice_.batch->first_row() + static_cast<uint64_t>(at_++) + 1;
      const parse_result got = rows_.add(cells_.data(), line, out);
      if (is_bad(got.kind)) {
        log_.add_bad({input_, line, 0, got.kind, detail_of(got.kind)}, {});
        continue;
      }
      ++counts[static_cast<int>(got.kind)];
      if (is_first_) input_rows_.golden().offer(input_rows_.plan(), cells_.data());
    }
    rows_.end(out);
    log_.add(counts);
    return out.samples > 0;
  }
  const std::string& name() const override { return input_; }
  std::string_view line_at(uint64_t) const override { return {}; }

 private:
  // Of the cell that makes a row bad: "COLUMN: what it holds".
  std::string detail_of(line_kind kind) {
    if (kind == line_kind::too_wide) return "";
    const size_t column = rows_.cells().bad_column();
    const cell& c = cells_[column];
    std::string text = input_rows_.plan().plan().columns[column].name + ": ";
    if (c.kind == cell_kind::text) {
      text.append(c.text, std::min(size_t{c.size}, line_log::detail_bytes_max));
    } else if (c.kind == cell_kind::number || c.kind == cell_kind::boolean) {
      char number[32];
      text.append(number, std::to_chars(number, number + sizeof number, c.number).ptr);
    }
    return text;
  }

  const arrow_slice slice_;
  const std::string input_;
  row_input& input_rows_;
  line_log& log_;
  row_encoder rows_;
  arrow_scratch scratch_;
  std::vector<cell> cells_;
  int64_t at_;
  const bool is_first_;
};

}  // namespace

arrow_wants arrow_wants_of(const encoder& plan, bool label_required) {
  arrow_wants wants;
  wants.columns = plan.column_names();
  wants.required = plan.required(label_required);
  const std::vector<column_plan>& columns = plan.plan().columns;
  for (size_t i = 0; i < columns.size(); ++i) {
    wants.read.push_back(plan.reads(i));
    const column_type type = columns[i].type;
    wants.as_number.push_back(type == column_type::number || type == column_type::timestamp);
  }
  return wants;
}

std::unique_ptr<batch_source> make_arrow_source(arrow_slice slice, const std::string& input,
                                                row_input& rows, line_log& log) {
  return std::make_unique<arrow_source>(std::move(slice), input, rows, log);
}

}  // namespace fmtrain
