// The way in of every stream that Python opens: bytes, descriptors, matrices, and what became of
// them. A handle has `held`, whose input() is a sample_stream, and close().
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "bind/bind.h"
#include "bind/bind_matrix.h"
#include "encode/row_source.h"
#include "feature/sample_stream.h"

namespace fmtrain {

using milliseconds = std::chrono::milliseconds;

py::dict describe_log(sample_stream& input);
// A dict a column of the schema.
py::list describe_guards(const encoder& plan, const guard_counts& counts);

// How a stream reads: "text" and "libffm" are samples, anything else rows, for which *rows is made.
parse_options parsing_from(const std::string& format, const encoder* plan, uint32_t hash_seed,
                           const row_options& options, std::unique_ptr<row_input>* rows);

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

template <class Handle>
void take_shard(Handle& h, uint32_t index, uint32_t count) {
  if (index >= count) throw py::value_error("a shard's index is below the count");
  h.held->input().take_shard(index, count);
}

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

}  // namespace fmtrain
