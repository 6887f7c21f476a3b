// Arrow arrays by hand, handed over through the C interfaces as a library would: buffers of exactly
// their size, children and dictionaries of their own, and a count of what was not given back.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "encode/arrow_abi.h"

namespace fmtrain {

inline std::atomic<int> arrow_objects{0};  // schemas, arrays and streams that are not released

struct arrow_data {
  using buffer = std::optional<std::string>;  // without a value: a null pointer
  std::string name, format;
  int64_t length = 0, null_count = -1, offset = 0;
  std::vector<buffer> buffers;
  std::vector<arrow_data> children, dictionary;  // the latter: none or one

  arrow_data named(const std::string& to) const {
    arrow_data out = *this;
    out.name = to;
    return out;
  }
  // Its rows from `first` on, as a library slices: nothing is moved.
  arrow_data sliced(int64_t first, int64_t rows) const {
    arrow_data out = *this;
    out.offset += first;
    out.length = rows;
    return out;
  }
};

// ---- handing over ----

struct held_array {
  std::vector<std::unique_ptr<char[]>> memory;
  std::vector<const void*> buffers;
  std::vector<std::unique_ptr<ArrowArray>> owned;
  std::vector<ArrowArray*> children;
};

inline void release_array(ArrowArray* array) {
  for (int64_t i = 0; i < array->n_children; ++i) array->children[i]->release(array->children[i]);
  if (array->dictionary != nullptr) array->dictionary->release(array->dictionary);
  delete static_cast<held_array*>(array->private_data);
  array->release = nullptr;
  --arrow_objects;
}

inline ArrowArray export_array(const arrow_data& data) {
  auto* const held = new held_array;
  for (const arrow_data::buffer& from : data.buffers) {
    held->buffers.push_back(nullptr);
    if (!from.has_value()) continue;
    held->memory.emplace_back(new char[from->size()]);
    std::memcpy(held->memory.back().get(), from->data(), from->size());
    held->buffers.back() = held->memory.back().get();
  }
  const auto own = [&](const arrow_data& child) {
    held->owned.push_back(std::make_unique<ArrowArray>(export_array(child)));
    return held->owned.back().get();
  };
  for (const arrow_data& child : data.children) held->children.push_back(own(child));
  ArrowArray out{};
  out.length = data.length;
  out.null_count = data.null_count;
  out.offset = data.offset;
  out.n_buffers = static_cast<int64_t>(held->buffers.size());
  out.buffers = held->buffers.data();
  out.n_children = static_cast<int64_t>(held->children.size());
  out.children = held->children.data();
  out.dictionary = data.dictionary.empty() ? nullptr : own(data.dictionary[0]);
  out.release = release_array;
  out.private_data = held;
  ++arrow_objects;
  return out;
}

struct held_schema {
  std::string format, name;
  std::vector<std::unique_ptr<ArrowSchema>> owned;
  std::vector<ArrowSchema*> children;
};

inline void release_schema(ArrowSchema* schema) {
  for (int64_t i = 0; i < schema->n_children; ++i) {
    schema->children[i]->release(schema->children[i]);
  }
  if (schema->dictionary != nullptr) schema->dictionary->release(schema->dictionary);
  delete static_cast<held_schema*>(schema->private_data);
  schema->release = nullptr;
  --arrow_objects;
}

inline ArrowSchema export_schema(const arrow_data& data) {
  auto* const held = new held_schema{data.format, data.name, {}, {}};
  const auto own = [&](const arrow_data& child) {
    held->owned.push_back(std::make_unique<ArrowSchema>(export_schema(child)));
    return held->owned.back().get();
  };
  for (const arrow_data& child : data.children) held->children.push_back(own(child));
  ArrowSchema out{};
  out.format = held->format.c_str();
  out.name = held->name.c_str();
  out.flags = ARROW_FLAG_NULLABLE;
  out.n_children = static_cast<int64_t>(held->children.size());
  out.children = held->children.data();
  out.dictionary = data.dictionary.empty() ? nullptr : own(data.dictionary[0]);
  out.release = release_schema;
  out.private_data = held;
  ++arrow_objects;
  return out;
}

struct held_stream {
  arrow_data schema;
  std::vector<arrow_data> batches;
  std::string error;  // where the batches end; empty: that is the end
  size_t at = 0;
};

inline ArrowArrayStream export_stream(arrow_data schema, std::vector<arrow_data> batches,
                                      std::string error = "") {
  ArrowArrayStream out{};
  out.get_schema = [](ArrowArrayStream* stream, ArrowSchema* to) {
    const auto* const held = static_cast<held_stream*>(stream->private_data);
    if (held->schema.format.empty()) return EIO;
    *to = export_schema(held->schema);
    return 0;
  };
  out.get_next = [](ArrowArrayStream* stream, ArrowArray* to) {
    auto* const held = static_cast<held_stream*>(stream->private_data);
    *to = ArrowArray();
    if (held->at < held->batches.size()) {
      *to = export_array(held->batches[held->at++]);
      return 0;
    }
    return held->error.empty() ? 0 : EINVAL;
  };
  out.get_last_error = [](ArrowArrayStream* stream) {
    const auto* const held = static_cast<held_stream*>(stream->private_data);
    return held->error.empty() ? nullptr : held->error.c_str();
  };
  out.release = [](ArrowArrayStream* stream) {
    delete static_cast<held_stream*>(stream->private_data);
    stream->release = nullptr;
    --arrow_objects;
  };
  out.private_data = new held_stream{std::move(schema), std::move(batches), std::move(error), 0};
  ++arrow_objects;
  return out;
}

// ---- making arrays ----

template <class T>
using rows_of = std::vector<std::optional<T>>;

template <class T>
std::string bytes_of_numbers(const std::vector<T>& values) {
  std::string out(values.size() * sizeof(T), 0);
  if (!values.empty()) std::memcpy(out.data(), values.data(), out.size());
  return out;
}

inline std::string bits_of(const std::vector<bool>& bits) {
  std::string out((bits.size() + 7) / 8, 0);
  for (size_t i = 0; i < bits.size(); ++i) {
    if (bits[i]) out[i / 8] = static_cast<char>(out[i / 8] | 1 << i % 8);
  }
  return out;
}

template <class T>
arrow_data flat_array(const char* format, const rows_of<T>& rows) {
  arrow_data out;
  out.format = format;
  out.length = static_cast<int64_t>(rows.size());
  std::vector<bool> valid;
  for (const auto& row : rows) valid.push_back(row.has_value());
  out.buffers.push_back(bits_of(valid));
  return out;
}

template <class T>
arrow_data numbers(const char* format, const rows_of<T>& rows) {
  arrow_data out = flat_array(format, rows);
  std::vector<T> values;
  for (const auto& row : rows) values.push_back(row.value_or(T()));
  out.buffers.push_back(bytes_of_numbers(values));
  return out;
}

inline arrow_data booleans(const rows_of<bool>& rows) {
  arrow_data out = flat_array("b", rows);
  std::vector<bool> values;
  for (const auto& row : rows) values.push_back(row.value_or(false));
  out.buffers.push_back(bits_of(values));
  return out;
}

// End: int32_t or int64_t, as the format says.
template <class End>
arrow_data texts(const char* format, const rows_of<std::string>& rows) {
  arrow_data out = flat_array(format, rows);
  std::vector<End> ends = {0};
  std::string all;
  for (const auto& row : rows) {
    all += row.value_or("");
    ends.push_back(static_cast<End>(all.size()));
  }
  out.buffers.push_back(bytes_of_numbers(ends));
  out.buffers.push_back(all);
  return out;
}

// Texts alternate between two buffers.
inline arrow_data text_views(const rows_of<std::string>& rows) {
  arrow_data out = flat_array("vu", rows);
  std::string views, data[2];
  for (const auto& row : rows) {
    const std::string text = row.value_or("");
    const auto size = static_cast<int32_t>(text.size());
    std::string view = bytes_of_numbers<int32_t>({size, 0, 0, 0});
    if (size <= 12) {
      std::memcpy(view.data() + 4, text.data(), text.size());
    } else {
      const int32_t which = size % 2;
      const auto at = static_cast<int32_t>(data[which].size());
      std::memcpy(view.data() + 4, text.data(), 4);
      std::memcpy(view.data() + 8, &which, 4);
      std::memcpy(view.data() + 12, &at, 4);
      data[which] += text;
    }
    views += view;
  }
  out.buffers.push_back(views);
  out.buffers.push_back(data[0]);
  out.buffers.push_back(data[1]);
  out.buffers.push_back(bytes_of_numbers<int64_t>(
      {static_cast<int64_t>(data[0].size()), static_cast<int64_t>(data[1].size())}));
  return out;
}

// rows: how many items each has.
template <class End>
arrow_data lists(const char* format, const rows_of<int>& rows, arrow_data items) {
  arrow_data out = flat_array(format, rows);
  std::vector<End> ends = {0};
  for (const auto& row : rows) ends.push_back(static_cast<End>(ends.back() + row.value_or(0)));
  out.buffers.push_back(bytes_of_numbers(ends));
  out.children.push_back(std::move(items));
  return out;
}

// Without nulls: a record batch.
inline arrow_data structure(std::vector<arrow_data> children) {
  arrow_data out;
  out.format = "+s";
  out.length = children.empty() ? 0 : children[0].length;
  out.null_count = 0;
  out.buffers.push_back(std::nullopt);
  out.children = std::move(children);
  return out;
}

template <class Index>
arrow_data dictionary(const char* format, const rows_of<Index>& rows, arrow_data values) {
  arrow_data out = numbers<Index>(format, rows);
  out.dictionary.push_back(std::move(values));
  return out;
}

}  // namespace fmtrain
