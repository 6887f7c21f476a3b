#include "bind/bind_encode.h"

#include <sstream>

#include "bind/bind_arrow.h"
#include "bind/bind_input.h"
#include "encode/sample_writer.h"
#include "encode/transform.h"

namespace fmtrain {
namespace {

std::vector<named_forest> forests_from(const std::map<std::string, py::bytes>& given) {
  std::vector<named_forest> forests;
  for (const auto& [name, bytes] : given) {
    std::unique_ptr<const forest> trees;
    check(forest::read(std::string_view(bytes), "forest " + name, &trees));
    forests.push_back({name, std::move(trees)});
  }
  return forests;
}

// None, or (keys that lead there, what is wrong).
py::object check_schema(const py::bytes& text) {
  schema plan;
  schema_error error;
  if (parse_schema(std::string_view(text), &plan, &error).ok()) return py::none();
  py::list keys;
  std::istringstream lines(error.path);
  for (std::string key; std::getline(lines, key);) keys.append(text_of(key));
  return py::make_tuple(keys, text_of(error.message));
}

encoder_handle make_encoder(const py::bytes& text, const std::map<std::string, py::bytes>& forests,
                            uint32_t hash_seed) {
  encoder_handle made;
  check(encoder::compile(std::string_view(text), forests_from(forests), hash_seed, &made.plan));
  return made;
}

const char* name_of(learns what) {
  switch (what) {
    case learns::equal_width: return "equal-width";
    case learns::equal_frequency: return "equal-frequency";
    case learns::z_score: return "z-score";
    case learns::min_max: return "min-max";
    case learns::nothing: break;
  }
  return "";
}

// What has to be learned of data: (index, name, what, bins) of each feature.
py::list to_learn(const encoder_handle& h) {
  py::list all;
  const std::vector<feature_plan>& features = h.plan->plan().features;
  for (size_t i = 0; i < features.size(); ++i) {
    const feature_plan& f = features[i];
    if (f.learned == learns::nothing) continue;
    all.append(py::make_tuple(i, text_of(f.name), name_of(f.learned), f.bins));
  }
  return all;
}

py::dict forests_of(const encoder_handle& h) {
  py::dict all;
  for (size_t f = 0; f < h.plan->plan().forests.size(); ++f) {
    all[text_of(h.plan->plan().forests[f].name)] = py::bytes(h.plan->trees(f).pack());
  }
  return all;
}

py::array_t<uint64_t> leaf_ids_of(const encoder_handle& h, const std::string& name) {
  for (size_t f = 0; f < h.plan->plan().forests.size(); ++f) {
    if (h.plan->plan().forests[f].name == name) return to_array(h.plan->leaf_ids(f));
  }
  throw py::key_error(name);
}

// A stream that encodes and keeps or prints the samples.
struct encode_handle {
  std::shared_ptr<const encoder> plan;
  std::unique_ptr<row_input> rows;
  std::unique_ptr<arrow_stream> arrow;
  std::unique_ptr<matrix_columns> columns;
  std::vector<py::object> arrays;
  std::unique_ptr<sample_writer> held;

  ~encode_handle() {
    if (held == nullptr) return;  // it could not be opened
    held->input().stop();
    const py::gil_scoped_release release;
    (void)held->finish();
  }
  void close() {}
};

std::unique_ptr<encode_handle> open_encode(const encoder_handle& h, size_t threads,
                                           const std::string& format, int bad_lines_fd,
                                           int output_fd, bool names, bool label_required) {
  auto handle = std::make_unique<encode_handle>();
  handle->plan = h.plan;
  const parse_options parsing = parsing_from(format, handle->plan.get(), h.plan->hash_seed(),
                                             {names, label_required}, &handle->rows);
  handle->held = std::make_unique<sample_writer>(threads, parsing, output_fd);
  handle->held->input().log().copy_bad_lines_to(bad_lines_fd);
  return handle;
}

py::list pieces(const std::string& all, const std::vector<uint32_t>& sizes) {
  py::list list;
  size_t at = 0;
  for (const uint32_t size : sizes) {
    list.append(py::bytes(all.data() + at, size));
    at += size;
  }
  return list;
}

py::dict take_samples(encode_handle& h) {
  const sample_arrays all = h.held->take();
  py::dict d;
  d["label"] = to_array(all.label);
  d["weight"] = to_array(all.weight);
  d["row"] = to_array(all.line);
  d["features"] = to_array(all.features);
  d["ids"] = to_array(all.id);
  d["x"] = to_array(all.x);
  d["names"] = pieces(all.names, all.name_bytes);
  d["keys"] = pieces(all.keys, all.key_bytes);
  return d;
}

}  // namespace

void bind_encode(py::module_& module) {
  module.def(
      "number_text",
      [](double value) {
        char text[32];
        return std::string(text, write_number(text, value));
      },
      py::arg("value"));
  module.def("check_schema", &check_schema, py::arg("schema"));
  py::class_<encoder_handle>(module, "Encoder")
      .def(py::init(&make_encoder), py::arg("schema"), py::arg("forests"), py::arg("hash_seed"))
      .def("check_fitted", [](const encoder_handle& h) { check(h.plan->check_fitted()); })
      .def("to_learn", &to_learn)
      .def("leaf_ids", &leaf_ids_of, py::arg("forest"))
      .def_property_readonly("schema",
                             [](const encoder_handle& h) { return py::bytes(h.plan->text()); })
      .def_property_readonly(
          "format",
          [](const encoder_handle& h) { return std::string(name_of(h.plan->plan().format)); })
      .def_property_readonly("forests", &forests_of)
      .def_property_readonly("hash_seed",
                             [](const encoder_handle& h) { return h.plan->hash_seed(); });
}

void bind_sample_writer(py::module_& module) {
  py::class_<encode_handle> stream(module, "EncodeStream");
  stream.def(py::init(&open_encode), py::arg("encoder"), py::arg("threads"), py::arg("format"),
             py::arg("bad_lines_fd") = -1, py::arg("output_fd") = -1, py::arg("names") = false,
             py::arg("label_required") = true);
  bind_input(stream);
  bind_arrow(stream);
  stream.def("take", &take_samples).def("guards", [](encode_handle& h) {
    return describe_guards(h.rows->plan(), h.rows->guards().counts());
  });
}

}  // namespace fmtrain
