// Matrices as Python hands them over: CSR or dense, the columns already hashed.
#pragma once

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "bind/bind.h"
#include "feature/matrix_source.h"

namespace fmtrain {

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

}  // namespace fmtrain
