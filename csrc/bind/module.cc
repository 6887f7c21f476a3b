#include "bind/bind.h"
#include "bind/bind_encode.h"

#include "feature/hash.h"
#include "feature/parser.h"
#include "model/start.h"
#include "score/predictor.h"
#include "synth/synth.h"

namespace fmtrain {

void raise(const status& failed) {
  const char* const name = [&] {
    switch (failed.code()) {
      case errc::format:
      case errc::version:
      case errc::checksum:
      case errc::selftest: return "ModelFileError";
      case errc::io: return "FileError";
      case errc::input: return "BrokenInputError";
      case errc::memory: return "OutOfMemoryError";
      default: return "ParameterError";
    }
  }();
  const py::object type = py::module_::import("fmtrain.errors").attr(name);
  PyErr_SetObject(type.ptr(), type(text_of(failed.message())).ptr());
  throw py::error_already_set();
}

hyper hyper_from(const hyper_dict& given) {
  hyper h;
  for (const auto& [name, value] : given) check(set_hyper(h, name, value));
  check(check_hyper(h));
  return h;
}

namespace {

py::list describe_hyper() {
  py::list lines;
  for (const hyper_line& line : hyper_list()) {
    py::dict d;
    d["kind"] = line.kind;
    d["name"] = line.name;
    d["default"] = line.value;
    d["low"] = line.low;
    d["high"] = line.high;
    d["help"] = line.help;
    lines.append(std::move(d));
  }
  return lines;
}

// One line -> (label, weight, [(name, value)], key), or ValueError.
py::tuple parse_one(const py::bytes& given, const std::string& format) {
  parse_options options;
  options.format = format == "libffm" ? text_format::libffm : text_format::text;
  const std::string line = given;
  std::string padded = line + "\n" + std::string(padding_bytes, '\0');
  batch out;
  out.text = padded.data();
  const char* const last = padded.data() + line.size();
  const parse_result got = parse_line(padded.data(), last, options, 1, out);
  if (is_bad(got.kind)) {
    throw py::value_error("column " + std::to_string(got.where - padded.data() + 1) + ": " +
                          reason_text(got.kind));
  }
  if (got.kind != line_kind::sample) throw py::value_error("the line is empty or a comment");
  py::list features;
  for (size_t i = 0; i < out.features; ++i) {
    features.append(py::make_tuple(py::bytes(std::string(out.name_of(i))), out.x[i]));
  }
  return py::make_tuple(out.label[0], out.weight[0], features, py::bytes(std::string(out.key[0])));
}

py::dict describe_reasons() {
  py::dict reasons;
  for (int kind = 0; kind < line_kinds; ++kind) {
    const auto k = static_cast<line_kind>(kind);
    if (is_bad(k)) reasons[reason_name(k)] = reason_text(k);
  }
  return reasons;
}

synth make_synth(const synth_options& options) {
  check(options.check());
  return synth(options);
}

void bind_synth(py::module_& module) {
  py::class_<synth_options>(module, "SynthOptions")
      .def(py::init<>())
      .def_readwrite("fields", &synth_options::fields)
      .def_readwrite("dims", &synth_options::dims)
      .def_readwrite("numeric", &synth_options::numeric)
      .def_readwrite("factors", &synth_options::factors)
      .def_readwrite("keys", &synth_options::keys)
      .def_readwrite("weights", &synth_options::weights)
      .def_readwrite("zipf", &synth_options::zipf)
      .def_readwrite("ctr", &synth_options::ctr)
      .def_readwrite("seed", &synth_options::seed)
      .def("header", &synth_header)
      .def_static("parse_header", [](const std::string& line) -> py::object {
        synth_options options;
        return parse_synth_header(line, &options) ? py::cast(options) : py::none();
      });
  py::class_<synth>(module, "Synth")
      .def(py::init(&make_synth))
      .def("text",
           [](const synth& s, uint64_t first, uint64_t count) {
             std::string text;
             {
               const py::gil_scoped_release release;
               text = s.text(first, count, nullptr);
             }
             return py::bytes(text);
           })
      .def("text_and_scores", [](const synth& s, uint64_t first, uint64_t count) {
        std::vector<float> scores;
        std::string text;
        {
          const py::gil_scoped_release release;
          text = s.text(first, count, &scores);
        }
        return py::make_tuple(py::bytes(text), to_array(scores));
      });
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  module.doc() = "The native core of fmtrain; use fmtrain.FTRLModel.";
  module.attr("__version__") = FMTRAIN_VERSION;
  module.def("describe_hyper", &describe_hyper);
  module.def("describe_reasons", &describe_reasons);
  module.def(
      "hash_name",
      [](const py::bytes& name, uint32_t seed) {
        const std::string_view bytes = name;
        return hash_name(bytes.data(), bytes.size(), seed);
      },
      py::arg("name"), py::arg("seed") = 0);
  module.def("start_value", &start_value, py::arg("id"), py::arg("lane"), py::arg("seed") = 0);
  module.def("parse_line", &parse_one, py::arg("line"), py::arg("format") = "text");
  bind_encode(module);
  bind_forest(module);
  bind_model(module);
  bind_serving(module);
  bind_stream(module);
  bind_sample_writer(module);
  bind_profile(module);
  bind_synth(module);
}

}  // namespace fmtrain
