#include "encode/sample_writer.h"

#include <utility>

#include "base/append.h"
#include "base/file.h"

namespace fmtrain {
namespace {

template <class T>
void append_first(std::vector<T>& to, const std::vector<T>& from, size_t count) {
  to.insert(to.end(), from.begin(), from.begin() + static_cast<ptrdiff_t>(count));
}

void append_line(std::string& text, const batch& in, size_t sample) {
  append_number(text, in.label[sample]);
  if (in.weight[sample] != 1) {
    text.push_back(':');
    append_number(text, in.weight[sample]);
  }
  for (uint32_t i = in.begin[sample]; i < in.begin[sample + 1]; ++i) {
    text.append(1, ' ').append(in.name_of(i));
    if (in.x[i] == 1) continue;
    text.push_back(':');
    append_number(text, in.x[i]);
  }
  if (!in.key[sample].empty()) text.append(" # ").append(in.key[sample]);
  text.push_back('\n');
}

}  // namespace

void sample_arrays::append(const batch& in) {
  append_first(label, in.label, in.samples);
  append_first(weight, in.weight, in.samples);
  append_first(line, in.line, in.samples);
  append_first(id, in.id, in.features);
  append_first(x, in.x, in.features);
  for (size_t s = 0; s < in.samples; ++s) {
    features.push_back(in.begin[s + 1] - in.begin[s]);
    keys.append(in.key[s]);
    key_bytes.push_back(static_cast<uint32_t>(in.key[s].size()));
  }
  if (in.text == nullptr) return;
  for (size_t i = 0; i < in.features; ++i) {
    names.append(in.name_of(i));
    name_bytes.push_back(in.name[i].size);
  }
}

void sample_arrays::append(sample_arrays&& more) {
  if (label.empty()) {
    *this = std::move(more);
    return;
  }
  append_all(label, more.label);
  append_all(weight, more.weight);
  append_all(line, more.line);
  append_all(features, more.features);
  append_all(id, more.id);
  append_all(x, more.x);
  append_all(name_bytes, more.name_bytes);
  append_all(key_bytes, more.key_bytes);
  names.append(more.names);
  keys.append(more.keys);
}

sample_writer::sample_writer(size_t threads, const parse_options& parsing, int output_fd)
    : output_fd_(output_fd),
      workers_(threads),
      order_(4 * threads),
      stream_(threads, parsing, *this) {}

status sample_writer::consume(size_t worker, uint64_t, const batch_source&, batch& in) {
  output& out = workers_[worker];
  if (output_fd_ < 0) {
    out.values.append(in);
  } else {
    for (size_t s = 0; s < in.samples; ++s) append_line(out.text, in, s);
  }
  return {};
}

status sample_writer::finish_source(size_t worker, uint64_t order) {
  return order_.put(
      order, std::exchange(workers_[worker], {}), [this] { return stream_.stopped(); },
      [this](output&& ready) { return emit(std::move(ready)); });
}

status sample_writer::emit(output&& out) {
  if (output_fd_ >= 0) {
    return write_all(output_fd_, out.text.data(), out.text.size(), "the output");
  }
  collected_.append(std::move(out.values));
  return {};
}

}  // namespace fmtrain
