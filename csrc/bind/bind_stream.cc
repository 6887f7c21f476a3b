#include <algorithm>
#include <type_traits>

#include "bind/bind.h"
#include "bind/bind_cache.h"
#include "feature/hash.h"
#include "feature/matrix_source.h"
#include "feature/sample_stream.h"
#include "feature/text_source.h"
#include "score/predictor.h"
#include "train/trainer.h"

namespace fmtrain {
namespace {

using milliseconds = std::chrono::milliseconds;

parse_options parsing_from(const std::string& format, const model& m) {
  parse_options options;
  options.format = format == "libffm" ? text_format::libffm : text_format::text;
  options.hash_seed = static_cast<uint32_t>(m.hypers().hash_seed);
  return options;
}

// A trainer or predictor with what Python keeps alive for it.
template <class Consumer>
struct stream_handle {
  model_handle& owner;
  std::unique_ptr<matrix_columns> columns;
  std::vector<py::object> arrays;  // what matrix sources point into
  std::unique_ptr<cache_writer> cache;
  std::unique_ptr<Consumer> held;
  static constexpr bool learns = std::is_same_v<Consumer, trainer>;

  template <class... Arguments>
  explicit stream_handle(model_handle& model_owner, Arguments&&... arguments)
      : owner(model_owner),
        held(std::make_unique<Consumer>(owner.use(), std::forward<Arguments>(arguments)...)) {
    owner.learning += learns ? 1 : 0;
    open = true;
  }

  ~stream_handle() {
    held->input().stop();
    {
      const py::gil_scoped_release release;
      (void)held->finish();
    }
    close();
  }

  void close() {
    if (open && learns) --owner.learning;
    open = false;
  }
  bool open = false;
};

template <class Handle>
bool read_fd(Handle& h, int fd, int64_t budget_ms) {
  auto progress = sample_stream::progress::more;
  status done;
  {
    const py::gil_scoped_release release;
    done = h.held->input().read(fd, milliseconds(budget_ms), &progress);
  }
  check(done);
  return progress == sample_stream::progress::more;
}

template <class Handle>
size_t feed(Handle& h, const py::buffer& data, size_t offset, int64_t budget_ms) {
  const py::buffer_info info = data.request();
  const auto size = static_cast<size_t>(info.size * info.itemsize);
  if (offset > size) throw py::value_error("offset lies behind the data");
  size_t taken = 0;
  status done;
  {
    const py::gil_scoped_release release;
    done = h.held->input().feed(static_cast<const char*>(info.ptr) + offset, size - offset,
                                milliseconds(budget_ms), &taken);
  }
  check(done);
  return taken;
}

template <class Handle>
void finish(Handle& h) {
  status done;
  {
    const py::gil_scoped_release release;
    done = h.held->finish();
  }
  h.close();
  check(done);
}

py::dict describe_log(sample_stream& input) {
  py::dict out, bad;
  const line_counts counts = input.log().counts();
  uint64_t bad_lines = 0;
  for (int kind = 0; kind < line_kinds; ++kind) {
    const auto k = static_cast<line_kind>(kind);
    if (!is_bad(k)) {
      out[reason_name(k)] = counts[kind];
    } else if (counts[kind] > 0) {
      bad[reason_name(k)] = counts[kind];
      bad_lines += counts[kind];
    }
  }
  py::list examples;
  for (const bad_line& line : input.log().examples()) {
    py::dict d;
    d["source"] = text_of(line.source);
    d["line"] = line.line;
    d["column"] = line.column;
    d["reason"] = reason_name(line.kind);
    d["text"] = reason_text(line.kind);
    d["detail"] = py::bytes(line.detail);
    examples.append(std::move(d));
  }
  out["bad"] = bad;
  out["bad_lines"] = bad_lines;
  out["examples"] = examples;
  out["comment_text"] = py::bytes(input.log().comment());
  return out;
}

// What a stream would refuse in whole lines of text: None, or (line, reason, detail) of the first.
py::object first_bad_line(const py::bytes& text) {
  const std::string_view bytes = text;
  chunk whole;
  whole.data.reset(new char[bytes.size() + padding_bytes]);
  std::copy(bytes.begin(), bytes.end(), whole.data.get());
  whole.size = bytes.size();
  whole.source = std::make_shared<const std::string>("X");
  line_log log;
  {
    const py::gil_scoped_release release;
    text_source source(std::move(whole), {}, log);
    batch samples;
    while (source.fill(samples)) samples.clear();
  }
  const std::vector<bad_line> bad = log.examples();
  if (bad.empty()) return py::none();
  return py::make_tuple(bad[0].line, reason_text(bad[0].kind), py::bytes(bad[0].detail));
}

// ---- matrices ----

using double_array = py::array_t<double, py::array::c_style | py::array::forcecast>;
using id_array = py::array_t<uint64_t, py::array::c_style | py::array::forcecast>;

// A slice small enough to spread over workers, large enough to cost no queueing.
constexpr uint64_t slice_rows = 4096;

template <class Handle>
matrix_rows rows_from(Handle& h, const std::vector<py::bytes>& names, const id_array& ids,
                      const py::object& label, const py::object& weight, py::ssize_t rows) {
  h.columns = std::make_unique<matrix_columns>();
  matrix_columns& columns = *h.columns;
  columns.id.assign(ids.data(), ids.data() + ids.size());
  for (const py::bytes& name : names) {
    const std::string_view bytes = name;
    columns.name.push_back(
        {static_cast<uint32_t>(columns.names.size()), static_cast<uint32_t>(bytes.size())});
    columns.names.append(bytes);
  }
  if (columns.name.size() != columns.id.size()) throw py::value_error("names and ids differ");
  const auto vector_of = [&](const py::object& given, const char* what) -> const double* {
    if (given.is_none()) return nullptr;
    const double_array array = double_array::ensure(given);
    if (!array || array.size() != rows) {
      throw py::value_error(std::string(what) + " does not have one number a row");
    }
    h.arrays.push_back(array);
    return array.data();
  };
  return {&columns, vector_of(label, "y"), vector_of(weight, "sample_weight")};
}

template <class Handle, class Cells>
void push_slices(Handle& h, const matrix_rows& rows, uint64_t count, const Cells& cells) {
  const py::gil_scoped_release release;
  status done;
  for (uint64_t first = 0; first < count && done.ok(); first += slice_rows) {
    const uint64_t last = std::min(first + slice_rows, count);
    done = h.held->input().push(std::make_unique<matrix_source<Cells>>(rows, first, last, cells));
  }
  const py::gil_scoped_acquire acquire;
  check(done);
}

template <class Handle>
void push_csr(Handle& h, const py::array& indptr, const py::array& indices, const py::array& data,
              const std::vector<py::bytes>& names, const id_array& ids, const py::object& label,
              const py::object& weight) {
  if (indptr.size() < 1) throw py::value_error("indptr is empty");
  const py::ssize_t count = indptr.size() - 1;
  const matrix_rows rows = rows_from(h, names, ids, label, weight, count);
  for (const py::array& array : {indptr, indices, data}) {
    // Read from the first element on, without strides.
    if ((array.flags() & py::array::c_style) == 0) {
      throw py::value_error("X's indptr, indices and data are not contiguous");
    }
    h.arrays.push_back(array);
  }
  with_type<int32_t, int64_t>(indices, "indices", [&](const auto* columns) {
    using index = std::remove_cv_t<std::remove_pointer_t<decltype(columns)>>;
    if (!py::isinstance<py::array_t<index>>(indptr)) {
      throw py::type_error("indptr and indices differ in type");
    }
    const auto* const starts = static_cast<const index*>(indptr.data());
    // The core trusts what it is given: a bad index would read past the columns.
    bool fine = starts[0] == 0 && starts[count] <= indices.size() && data.size() >= starts[count];
    for (py::ssize_t row = 0; fine && row < count; ++row) fine = starts[row] <= starts[row + 1];
    for (index cell = 0; fine && cell < starts[count]; ++cell) {
      fine = columns[cell] >= 0 && columns[cell] < static_cast<index>(ids.size());
    }
    if (!fine) throw py::value_error("X is not a valid CSR matrix");
    with_type<float, double>(data, "data", [&](const auto* values) {
      using value = std::remove_cv_t<std::remove_pointer_t<decltype(values)>>;
      push_slices(h, rows, static_cast<uint64_t>(count),
                  csr_cells<index, value>{h.columns.get(), starts, columns, values});
    });
  });
}

template <class Handle>
void push_dense(Handle& h, const py::array& data, const std::vector<py::bytes>& names,
                const id_array& ids, const py::object& label, const py::object& weight) {
  if (data.ndim() != 2 || data.shape(1) != ids.size()) {
    throw py::value_error("X is not a matrix of one column a name");
  }
  for (const py::ssize_t stride : {data.strides(0), data.strides(1)}) {
    if (stride % data.itemsize() != 0) throw py::value_error("X is not made of whole cells");
  }
  const matrix_rows rows = rows_from(h, names, ids, label, weight, data.shape(0));
  h.arrays.push_back(data);
  with_type<float, double>(data, "X", [&](const auto* values) {
    using value = std::remove_cv_t<std::remove_pointer_t<decltype(values)>>;
    const dense_cells<value> cells{h.columns.get(), values,
                                   data.strides(0) / static_cast<py::ssize_t>(sizeof(value)),
                                   data.strides(1) / static_cast<py::ssize_t>(sizeof(value))};
    push_slices(h, rows, static_cast<uint64_t>(data.shape(0)), cells);
  });
}

// ---- what trainer and predictor share ----

template <class Handle>
void bind_input(py::class_<Handle>& c) {
  c.def(
       "begin",
       [](Handle& h, const std::string& name, uint64_t line) { h.held->input().begin(name, line); },
       py::arg("name"), py::arg("first_line") = 1)
      .def("take_shard", &take_shard<Handle>, py::arg("index"), py::arg("count"))
      .def("read", &read_fd<Handle>, py::arg("fd"), py::arg("budget_ms"))
      .def("feed", &feed<Handle>, py::arg("data"), py::arg("offset"), py::arg("budget_ms"))
      .def("end",
           [](Handle& h) {
             const py::gil_scoped_release release;
             const status done = h.held->input().end();
             const py::gil_scoped_acquire acquire;
             check(done);
           })
      .def("push_csr", &push_csr<Handle>, py::arg("indptr"), py::arg("indices"), py::arg("data"),
           py::arg("names"), py::arg("ids"), py::arg("label"), py::arg("weight"))
      .def("push_dense", &push_dense<Handle>, py::arg("data"), py::arg("names"), py::arg("ids"),
           py::arg("label"), py::arg("weight"))
      .def("finish", &finish<Handle>)
      .def("stop", [](Handle& h) { h.held->input().stop(); })
      .def("log", [](Handle& h) { return describe_log(h.held->input()); })
      .def("times",
           [](Handle& h) {
             const stream_times times = h.held->input().times();
             py::dict d;
             d["elapsed"] = times.elapsed;
             d["reading"] = times.reading;
             d["blocked"] = times.blocked;
             d["parsing"] = times.parsing;
             d["learning"] = times.learning;
             d["waiting"] = times.waiting;
             return d;
           })
      .def_property_readonly("stopped", [](Handle& h) { return h.held->input().stopped(); })
      .def_property_readonly("bytes", [](Handle& h) { return h.held->input().bytes(); })
      .def_property_readonly("ended_inside_a_line",
                             [](Handle& h) { return h.held->input().ended_inside_a_line(); });
}

py::dict describe_meter(const meter& m) {
  py::dict d;
  d["samples"] = m.samples;
  d["weight_sum"] = m.weight_sum;
  d["label_sum"] = m.label_sum;
  d["prediction_sum"] = m.prediction_sum;
  d["logloss"] = m.mean_logloss();
  d["auc"] = m.auc();
  d["auc_error"] = m.auc_error();
  return d;
}

py::dict describe_economy(const economy_report& r) {
  py::dict d;
  d["min_count"] = r.min_count;
  d["exact"] = r.exact;
  d["admission_bytes"] = r.admission_bytes;
  d["waiting"] = r.waiting;
  d["early_share"] = r.early_share;
  d["expired"] = r.expired;
  d["evicted"] = r.evicted;
  d["evictions"] = r.evictions;
  d["refused"] = r.refused;
  d["max_bytes"] = r.max_bytes;
  d["allocated_bytes"] = r.allocated_bytes;
  return d;
}

py::dict describe_progress(stream_handle<trainer>& h, bool close_window) {
  const auto now = std::make_unique<train_progress>(h.held->progress(close_window));
  py::dict d;
  d["window"] = describe_meter(now->window);
  d["total"] = describe_meter(now->total);
  d["features"] = now->features;
  d["memory_bytes"] = now->memory_bytes;
  d["economy"] = h.held->thrift().on() ? describe_economy(now->thrift) : py::dict();
  return d;
}

}  // namespace

void bind_stream(py::module_& module) {
  module.def("first_bad_line", &first_bad_line, py::arg("text"));
  using train_handle = stream_handle<trainer>;
  py::class_<train_handle> train(module, "Trainer");
  train.def(py::init([](model_handle& m, size_t threads, const std::string& format,
                        int bad_lines_fd, bool deterministic, uint64_t min_count_memory,
                        uint64_t max_memory, uint64_t now_minutes, bool count_anew) {
              parse_options parsing = parsing_from(format, m.use());
              parsing.names = m.use().rows().has_names() || m.use().expiry().reads_names();
              if (count_anew) m.counts = nullptr;
              const economy_options thrift = {min_count_memory, max_memory, now_minutes, m.counts};
              auto handle = std::make_unique<train_handle>(
                  m, train_options{threads, deterministic, thrift}, parsing);
              m.counts = handle->held->thrift().counts();
              handle->held->input().log().copy_bad_lines_to(bad_lines_fd);
              return handle;
            }),
            py::arg("model"), py::arg("threads"), py::arg("format") = "text",
            py::arg("bad_lines_fd") = -1, py::arg("deterministic") = false,
            py::arg("min_count_memory") = 0, py::arg("max_memory") = 0, py::arg("now_minutes") = 0,
            py::arg("count_anew") = false, py::keep_alive<1, 2>());
  bind_input(train);
  bind_cache(train);
  train.def("progress", &describe_progress, py::arg("close_window"));

  using predict_handle = stream_handle<predictor>;
  py::class_<predict_handle> predict(module, "Predictor");
  predict.def(
      py::init([](model_handle& m, size_t threads, const std::string& format, int bad_lines_fd,
                  int output_fd, const std::string& output_link, bool alphafm) {
        predict_options options;
        options.output_fd = output_fd;
        options.format = alphafm ? prediction_format::alphafm : prediction_format::text;
        options.link = output_link == "exp"   ? link::exp
                       : output_link == "raw" ? link::raw
                                              : link::sigmoid;
        auto handle =
            std::make_unique<predict_handle>(m, threads, parsing_from(format, m.use()), options);
        handle->held->input().log().copy_bad_lines_to(bad_lines_fd);
        return handle;
      }),
      py::arg("model"), py::arg("threads"), py::arg("format") = "text",
      py::arg("bad_lines_fd") = -1, py::arg("output_fd") = -1, py::arg("link") = "sigmoid",
      py::arg("alphafm") = false, py::keep_alive<1, 2>());
  bind_input(predict);
  predict
      .def("take",
           [](predict_handle& h) {
             const predictions p = h.held->take();
             return py::make_tuple(to_array(p.label), to_array(p.weight), to_array(p.score),
                                   to_array(p.group));
           })
      .def_property_readonly("samples", [](predict_handle& h) { return h.held->samples(); });

  py::class_<pack_handle> pack(module, "Packer");
  bind_packer(pack);
  bind_input(pack);
  bind_cache(pack);
}

}  // namespace fmtrain
