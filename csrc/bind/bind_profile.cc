#include "bind/bind_arrow.h"
#include "bind/bind_encode.h"
#include "bind/bind_input.h"
#include "encode/profiler.h"

namespace fmtrain {
namespace {

struct profile_handle {
  std::shared_ptr<const encoder> plan;
  std::unique_ptr<matrix_columns> columns;
  std::vector<py::object> arrays;
  std::unique_ptr<arrow_stream> arrow;
  uint64_t slices = 0;
  std::unique_ptr<profiler> held;

  ~profile_handle() {
    held->input().stop();
    const py::gil_scoped_release release;
    (void)held->finish();
  }
  void close() {}
};

std::unique_ptr<profile_handle> open_profile(const encoder_handle& h, size_t threads,
                                             const std::string& format, int bad_lines_fd,
                                             bool checking) {
  row_format of_rows = row_format::tsv;
  if (!find_row_format(format, &of_rows)) throw py::value_error("unknown format " + format);
  const profile_rows mode = checking ? profile_rows::checking : profile_rows::learning;
  auto handle = std::make_unique<profile_handle>();
  handle->plan = h.plan;
  handle->held = std::make_unique<profiler>(*handle->plan, threads, of_rows, mode);
  handle->held->input().log().copy_bad_lines_to(bad_lines_fd);
  return handle;
}

arrow_wants wants_of(profile_handle& h) {
  return arrow_wants_of(*h.plan, h.held->rows().mode() == profile_rows::checking);
}

std::unique_ptr<batch_source> source_of(profile_handle& h, arrow_slice slice) {
  return make_arrow_profile(std::move(slice), h.slices++, h.arrow->input(), h.held->rows(),
                            h.held->input().log());
}

// An array that owns the numbers: they are many, and are not copied.
py::array_t<double> owning_array(std::vector<double>&& values) {
  auto owned = std::make_unique<std::vector<double>>(std::move(values));
  const auto size = static_cast<py::ssize_t>(owned->size());
  const double* const data = owned->data();
  const py::capsule owner(owned.get(),
                          [](void* p) { delete static_cast<std::vector<double>*>(p); });
  (void)owned.release();
  return py::array_t<double>(size, data, owner);
}

// {feature's index: arrays of its numbers since the last call}, of those that have any.
py::dict take_values(profile_handle& h) {
  py::dict taken;
  auto all = h.held->seen().take();
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].empty()) continue;
    py::list parts;
    for (std::vector<double>& values : all[i]) parts.append(owning_array(std::move(values)));
    taken[py::int_(i)] = parts;
  }
  return taken;
}

// The guards' dicts, with min and max where a column has numbers.
py::list describe_columns(profile_handle& h) {
  const std::vector<value_range> ranges = h.held->seen().ranges();
  py::list columns = describe_guards(*h.plan, h.held->seen().guards());
  size_t at = 0;
  for (size_t i = 0; i < h.plan->plan().columns.size(); ++i) {
    if (!h.plan->reads(i)) continue;
    const py::object column = columns[at++];
    if (i >= ranges.size() || ranges[i].min > ranges[i].max) continue;
    column["min"] = ranges[i].min;
    column["max"] = ranges[i].max;
  }
  return columns;
}

}  // namespace

void bind_profile(py::module_& module) {
  py::class_<profile_handle> stream(module, "Profiler");
  stream.def(py::init(&open_profile), py::arg("encoder"), py::arg("threads"), py::arg("format"),
             py::arg("bad_lines_fd") = -1, py::arg("checking") = false);
  bind_input(stream);
  bind_arrow(stream);
  stream.def("take", &take_values)
      .def("columns", &describe_columns)
      .def("guards",
           [](profile_handle& h) { return describe_guards(*h.plan, h.held->seen().guards()); });
}

}  // namespace fmtrain
