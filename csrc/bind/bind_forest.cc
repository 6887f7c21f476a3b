#include <algorithm>
#include <system_error>
#include <thread>

#include "base/file.h"
#include "bind/bind.h"
#include "encode/forest.h"

namespace fmtrain {

namespace {

// A thread is not worth its start for fewer.
constexpr size_t rows_a_thread_min = 512;

struct forest_handle {
  std::unique_ptr<const forest> held;
};

forest_handle read_forest(const py::bytes& data, const std::string& name) {
  forest_handle handle;
  const std::string_view bytes = data;
  status done;
  {
    const py::gil_scoped_release release;
    done = forest::read(bytes, name, &handle.held);
  }
  check(done);
  return handle;
}

void find_on_threads(const forest& f, const double* values, size_t rows, size_t threads,
                     uint32_t* leaves) {
  const size_t parts =
      std::clamp<size_t>(rows / rows_a_thread_min, 1, std::max<size_t>(threads, 1));
  const auto part = [&](size_t i) {
    const size_t first = rows * i / parts, end = rows * (i + 1) / parts;
    f.find_leaves(values + first * f.columns(), end - first, leaves + first * f.trees());
  };
  std::vector<std::thread> others;
  others.reserve(parts - 1);
  for (size_t i = 1; i < parts; ++i) {
    try {
      others.emplace_back(part, i);
    } catch (const std::system_error&) {  // no more of them are to be had
      part(i);
    }
  }
  part(0);
  for (std::thread& other : others) other.join();
}

void save_forest(const forest_handle& handle, const std::string& path) {
  const std::string bytes = handle.held->pack();
  status done;
  {
    const py::gil_scoped_release release;
    done = write_whole(
        path, [&bytes](byte_sink& sink) { return sink.write(bytes.data(), bytes.size()); });
  }
  check(done);
}

using matrix = py::array_t<double, py::array::c_style>;

py::array_t<uint32_t> find_leaves(const forest_handle& handle, const matrix& values,
                                  size_t threads) {
  const forest& f = *handle.held;
  if (values.ndim() != 2 || static_cast<size_t>(values.shape(1)) != f.columns()) {
    throw py::value_error("find_leaves needs a matrix of " + std::to_string(f.columns()) +
                          " columns");
  }
  const auto rows = static_cast<size_t>(values.shape(0));
  py::array_t<uint32_t> leaves({rows, f.trees()});
  uint32_t* const into = leaves.mutable_data();
  const double* const from = values.data();
  const py::gil_scoped_release release;
  find_on_threads(f, from, rows, threads, into);
  return leaves;
}

py::array_t<uint32_t> leaves_of(const forest_handle& handle, size_t tree) {
  if (tree >= handle.held->trees()) throw py::index_error("no such tree");
  return to_array(handle.held->leaves_of(tree));
}

}  // namespace

void bind_forest(py::module_& module) {
  py::class_<forest_handle>(module, "Forest")
      .def(py::init(&read_forest), py::arg("data"), py::arg("name") = "the forest")
      .def_static("read", &read_forest, py::arg("data"), py::arg("name") = "the forest")
      .def("pack", [](const forest_handle& h) { return py::bytes(h.held->pack()); })
      .def("save", &save_forest, py::arg("path"))
      .def("leaves_of", &leaves_of, py::arg("tree"))
      .def("find_leaves", &find_leaves, py::arg("values").noconvert(), py::arg("threads") = 1)
      .def_property_readonly("trees", [](const forest_handle& h) { return h.held->trees(); })
      .def_property_readonly("columns", [](const forest_handle& h) { return h.held->columns(); })
      .def_property_readonly("column_names",
                             [](const forest_handle& h) {
                               py::list names;
                               for (const std::string& n : h.held->column_names()) {
                                 names.append(text_of(n));
                               }
                               return names;
                             })
      .def_property_readonly("content_hash",
                             [](const forest_handle& h) { return h.held->content_hash(); });
}

}  // namespace fmtrain
