// Python's door: argument shapes, GIL release, status -> exception, and nothing else.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <memory>
#include <string>

#include "base/status.h"
#include "base/words.h"
#include "model/model.h"
#include "train/admission.h"

namespace fmtrain {

namespace py = pybind11;

// Raises the exception that fmtrain.errors has for the status's code.
void raise(const status& failed);
inline void check(const status& done) {
  if (!done.ok()) raise(done);
}

// Text that may hold any byte (a path, a name) as a str that os.fsencode turns back into it.
inline py::str text_of(const std::string& text) {
  return py::reinterpret_steal<py::str>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<py::ssize_t>(text.size()), "surrogateescape"));
}

using hyper_dict = std::map<std::string, std::string>;
hyper hyper_from(const hyper_dict& given);

// A model and whether a stream is learning into it: until that finishes, nobody else may look.
struct model_handle {
  std::unique_ptr<model> held;
  int learning = 0;
  std::shared_ptr<admission> counts;  // of features without a row, from one stream to the next

  explicit model_handle(std::unique_ptr<model> m) : held(std::move(m)) {}
  model& use() {
    if (learning > 0) throw py::value_error("the model is being trained: finish the stream first");
    return *held;
  }
};

template <class T>
py::array_t<T> to_array(const std::vector<T>& values) {
  return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

void bind_forest(py::module_& module);
void bind_model(py::module_& module);
void bind_serving(py::module_& module);
void bind_stream(py::module_& module);

// The value of that name.
template <class Enum, size_t Count>
Enum word_of(const std::string& given, const char* const (&words)[Count]) {
  Enum value{};
  if (!find_word(given, words, &value)) throw py::value_error("unknown word '" + given + "'");
  return value;
}

// Calls function(pointer) with the array's own element type, so that nothing is copied.
template <class... Types, class Function>
void with_type(const py::array& array, const char* what, Function&& function) {
  bool done = false;
  ((!done && py::isinstance<py::array_t<Types>>(array)
        ? (function(static_cast<const Types*>(array.data())), done = true)
        : false),
   ...);
  if (!done) throw py::type_error(std::string(what) + " has an element type that is not supported");
}

}  // namespace fmtrain
