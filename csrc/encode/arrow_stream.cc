#include "encode/arrow_stream.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "encode/column_list.h"

namespace fmtrain {
namespace {

// An ArrowSchema that is released.
struct schema_holder {
  ArrowSchema schema{};
  ~schema_holder() {
    if (schema.release != nullptr) schema.release(&schema);
  }
};

const char* name_of(const ArrowSchema& schema) { return schema.name == nullptr ? "" : schema.name; }

}  // namespace

status read_arrow_layout(const ArrowSchema& schema, const arrow_wants& wants,
                         const std::string& input, arrow_layout* out) {
  const auto wrong = [&](const std::string& what) {
    return status(errc::invalid, input + ": " + what);
  };
  if (std::strcmp(schema.format, "+s") != 0) {
    return wrong("columns are expected, and this is of the Arrow type " + arrow_type_name(schema));
  }
  constexpr int64_t twice = -1;
  std::vector<std::string_view> names;
  std::unordered_map<std::string_view, int64_t> children;
  for (int64_t child = 0; child < schema.n_children; ++child) {
    names.emplace_back(name_of(*schema.children[child]));
    const auto [place, is_new] = children.emplace(names.back(), child);
    if (!is_new) place->second = twice;
  }
  out->width = wants.columns.size();
  out->children = schema.n_children;
  out->columns.clear();
  out->absent.clear();
  for (size_t i = 0; i < wants.columns.size(); ++i) {
    if (!wants.read[i]) {
      out->absent.push_back(i);
      continue;
    }
    const std::string shown = "'" + shown_column(wants.columns[i]) + "'";
    const auto found = children.find(wants.columns[i]);
    if (found == children.end()) {
      if (!wants.required[i]) {
        out->absent.push_back(i);
        continue;
      }
      return wrong("there is no column " + shown + "; there are: " + listed_columns(names));
    }
    if (found->second == twice) return wrong("the column " + shown + " stands twice");
    const ArrowSchema& child = *schema.children[found->second];
    arrow_layout::column column{i, found->second, {}, wants.as_number[i]};
    if (!read_arrow_type(child, &column.type)) {
      return wrong("column " + shown + " has the Arrow type " + arrow_type_name(child) + ": " +
                   arrow_type_advice(child));
    }
    out->columns.push_back(std::move(column));
  }
  return {};
}

arrow_batch::arrow_batch(ArrowArray* array, std::shared_ptr<const arrow_layout> layout,
                         uint64_t first_row)
    : array_(*array), layout_(std::move(layout)), first_row_(first_row) {
  array->release = nullptr;
  columns_.reserve(layout_->columns.size());
  for (const arrow_layout::column& column : layout_->columns) {
    columns_.emplace_back(column.type, *array_.children[column.child], column.as_number);
    columns_.back().shift(array_.offset);
  }
}

void arrow_batch::read(int64_t row, arrow_scratch& scratch, cell* cells) const {
  scratch.texts.clear();
  scratch.items.clear();
  // A batch may be an array of structures, of which one is null.
  if (array_.null_count != 0 && array_.n_buffers > 0 && array_.buffers[0] != nullptr) {
    const int64_t at = array_.offset + row;
    const auto* const valid = static_cast<const uint8_t*>(array_.buffers[0]);
    if ((valid[at >> 3] >> (at & 7) & 1) == 0) {
      std::fill_n(cells, layout_->width, cell());
      return;
    }
  }
  for (const size_t column : layout_->absent) cells[column] = cell();
  for (size_t i = 0; i < columns_.size(); ++i) {
    columns_[i].get(row, scratch, &cells[layout_->columns[i].at]);
  }
  const cell_item* items = scratch.items.data();
  for (const arrow_layout::column& column : layout_->columns) {
    cell& c = cells[column.at];
    if (c.kind != cell_kind::items) continue;
    c.items = items;
    items += c.size;
  }
}

arrow_stream::arrow_stream(ArrowArrayStream* stream, const std::string& input)
    : stream_(*stream), input_(std::make_shared<const std::string>(input)) {
  stream->release = nullptr;
}

arrow_stream::~arrow_stream() { stream_.release(&stream_); }

status arrow_stream::open(ArrowArrayStream* stream, const arrow_wants& wants,
                          const std::string& input, std::unique_ptr<arrow_stream>* out) {
  if (stream->release == nullptr) {
    return status(errc::invalid, input + ": the Arrow stream was read before");
  }
  std::unique_ptr<arrow_stream> opened(new arrow_stream(stream, input));
  FMTRAIN_TRY(opened->read_layout(wants));
  *out = std::move(opened);
  return {};
}

status arrow_stream::failed(const char* what, int error) {
  const char* const said = stream_.get_last_error(&stream_);
  // The first line: a producer in Python adds its traceback.
  std::string why = said != nullptr && *said != 0 ? said : std::strerror(error);
  why.resize(std::min(why.size(), why.find('\n')));
  return status(errc::input, *input_ + ": " + what + ": " + why);
}

status arrow_stream::read_layout(const arrow_wants& wants) {
  schema_holder held;
  const int error = stream_.get_schema(&stream_, &held.schema);
  if (error != 0) return failed("the Arrow stream has no schema", error);
  auto layout = std::make_shared<arrow_layout>();
  FMTRAIN_TRY(read_arrow_layout(held.schema, wants, *input_, layout.get()));
  layout_ = std::move(layout);
  return {};
}

status arrow_stream::next(arrow_slice* out) {
  while (batch_ == nullptr || at_ == batch_->rows()) {
    batch_ = nullptr;
    at_ = 0;
    ArrowArray array{};
    const int error = stream_.get_next(&stream_, &array);
    if (error != 0) return failed("the Arrow stream broke off", error);
    if (array.release == nullptr) {
      *out = arrow_slice();
      return {};
    }
    if (array.n_children != layout_->children) {
      array.release(&array);
      return status(errc::input, *input_ + ": a record batch has other columns than its stream");
    }
    batch_ = std::make_shared<const arrow_batch>(&array, layout_, rows_);
    rows_ += static_cast<uint64_t>(batch_->rows());
  }
  const int64_t last = std::min(at_ + slice_rows, batch_->rows());
  *out = {batch_, at_, last};
  at_ = last;
  // The batch goes with its slices, not only when the next one is asked for.
  if (last == batch_->rows()) {
    batch_ = nullptr;
    at_ = 0;
  }
  return {};
}

}  // namespace fmtrain
