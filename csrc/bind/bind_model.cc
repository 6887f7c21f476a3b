#include <unordered_map>
#include <unordered_set>

#include "bind/bind.h"
#include "bind/bind_encode.h"
#include "bind/bind_input.h"
#include "feature/hash.h"
#include "model/exchange.h"
#include "model/model_file.h"
#include "model/score.h"

namespace fmtrain {
namespace {

using id_array = py::array_t<uint64_t, py::array::c_style | py::array::forcecast>;

hyper_dict hyper_of(const model& m) {
  hyper_dict all;
  for (const hyper_line& line : hyper_list()) all[line.name] = get_hyper(m.hypers(), line.name);
  return all;
}

// w and v of a row, whoever says them.
void weights_at(const model& m, const row_ref row, float* w, float* v) {
  if (!m.stored_weights_of(row.id(), w, v)) m.weights_of(row, w, v);
}

// ids (n) -> found (n) bool, w (n) float32, v (n, factors) float32; zeros where not found.
py::tuple weights_of_ids(model_handle& handle, const id_array& ids) {
  const model& m = handle.use();
  const auto count = ids.size();
  const auto k = static_cast<py::ssize_t>(m.factors());
  py::array_t<bool> found(count);
  py::array_t<float> w(count), v(std::vector<py::ssize_t>{count, k});
  const uint64_t* const id = ids.data();
  for (py::ssize_t i = 0; i < count; ++i) {
    const row_ref row = m.rows().find(id[i]);
    float* const lanes = v.mutable_data() + i * k;
    found.mutable_data()[i] = static_cast<bool>(row);
    w.mutable_data()[i] = 0;
    std::fill(lanes, lanes + k, 0.0f);
    if (row) weights_at(m, row, w.mutable_data() + i, lanes);
  }
  return py::make_tuple(found, w, v);
}

// Arrays of rows on their way to Python: id, w (rows), v (rows, factors) and, with state, z and n
// of w (rows) and of v (rows, factors).
class row_arrays {
 public:
  row_arrays(const model& m, py::ssize_t rows, bool state)
      : model_(m),
        k_(static_cast<py::ssize_t>(m.factors())),
        state_(state),
        id_(rows),
        w_(rows),
        z_(state ? rows : 0),
        n_(state ? rows : 0),
        v_(shape(rows)),
        v_z_(shape(state ? rows : 0)),
        v_n_(shape(state ? rows : 0)),
        at_{id_.mutable_data(), w_.mutable_data(),   z_.mutable_data(),  n_.mutable_data(),
            v_.mutable_data(),  v_z_.mutable_data(), v_n_.mutable_data()} {}

  // Needs no GIL.
  void set(py::ssize_t i, const row_ref row) {
    at_.id[i] = row.id();
    weights_at(model_, row, at_.w + i, at_.v + i * k_);
    if (!state_) return;
    at_.z[i] = row.w().z;
    at_.n[i] = row.w().n;
    for (py::ssize_t f = 0; f < k_; ++f) {
      const coordinate lane = row.v == nullptr ? coordinate{0, 0} : row.v[f];
      at_.v_z[i * k_ + f] = lane.z;
      at_.v_n[i * k_ + f] = lane.n;
    }
  }

  py::dict take() const {
    py::dict all;
    all["id"] = id_;
    all["w"] = w_;
    all["v"] = v_;
    if (!state_) return all;
    all["z"] = z_;
    all["n"] = n_;
    all["v_z"] = v_z_;
    all["v_n"] = v_n_;
    return all;
  }

 private:
  std::vector<py::ssize_t> shape(py::ssize_t rows) const { return {rows, k_}; }

  const model& model_;
  const py::ssize_t k_;
  const bool state_;
  py::array_t<uint64_t> id_;
  py::array_t<float> w_, z_, n_, v_, v_z_, v_n_;
  const struct {
    uint64_t* id;
    float *w, *z, *n, *v, *v_z, *v_n;
  } at_;
};

// Every row, in table order.
py::dict arrays(model_handle& handle, bool state) {
  const model& m = handle.use();
  row_arrays all(m, static_cast<py::ssize_t>(m.rows().rows()), state);
  {
    const py::gil_scoped_release release;
    py::ssize_t i = 0;
    m.rows().for_each([&](row_ref row, std::string_view) { all.set(i++, row); });
  }
  return all.take();
}

// The rows of those ids that the model has, in the order given.
py::dict arrays_of(model_handle& handle, const id_array& ids) {
  const model& m = handle.use();
  std::vector<row_ref> found;
  for (py::ssize_t i = 0; i < ids.size(); ++i) {
    const row_ref row = m.rows().find(ids.data()[i]);
    if (row) found.push_back(row);
  }
  row_arrays some(m, static_cast<py::ssize_t>(found.size()), true);
  for (size_t i = 0; i < found.size(); ++i) some.set(static_cast<py::ssize_t>(i), found[i]);
  return some.take();
}

// Names (bytes) of some ids; None where the model keeps no names or has no such row.
py::list names_of(model_handle& handle, const id_array& ids) {
  const model& m = handle.use();
  std::unordered_map<uint64_t, std::string> wanted;
  for (py::ssize_t i = 0; i < ids.size(); ++i) wanted[ids.data()[i]];
  if (m.rows().has_names()) {
    m.rows().for_each([&](row_ref row, std::string_view name) {
      const auto found = wanted.find(row.id());
      if (found != wanted.end()) found->second.assign(name);
    });
  }
  py::list names;
  for (py::ssize_t i = 0; i < ids.size(); ++i) {
    const std::string& name = wanted[ids.data()[i]];
    if (name.empty()) {
      names.append(py::none());
    } else {
      names.append(py::bytes(name));
    }
  }
  return names;
}

py::dict sparsity(model_handle& handle) {
  const model& m = handle.use();
  uint64_t rows = 0, zero_w = 0, zero_rows = 0;
  {
    const py::gil_scoped_release release;
    std::vector<float> v(m.factors());
    m.rows().for_each([&](row_ref row, std::string_view) {
      float w = 0;
      // w alone decides for most rows; a v costs more, drawn anew where it has not been learned.
      if (!m.has_stored()) w = m.w_of(row);
      if (w == 0) weights_at(m, row, &w, v.data());
      const bool flat = std::all_of(v.begin(), v.end(), [](float lane) { return lane == 0; });
      ++rows;
      zero_w += w == 0 ? 1 : 0;
      zero_rows += w == 0 && flat ? 1 : 0;
    });
  }
  py::dict counts;
  counts["rows"] = rows;
  counts["zero_w"] = zero_w;
  counts["zero_rows"] = zero_rows;
  return counts;
}

export_format export_format_from(const std::string& name) {
  if (name == "text") return export_format::text;
  if (name == "json") return export_format::json;
  if (name == "alphafm-text") return export_format::alphafm_text;
  if (name == "alphafm-bin") return export_format::alphafm_binary_double;
  if (name == "alphafm-bin-float") return export_format::alphafm_binary_float;
  throw py::value_error("unknown export format '" + name + "'");
}

py::dict export_to(model_handle& handle, const std::string& path, const std::string& format,
                   bool keep_zeros, bool exact) {
  const model& m = handle.use();
  const export_options options{export_format_from(format), keep_zeros, exact};
  export_counts counts;
  status done;
  {
    const py::gil_scoped_release release;
    done =
        write_whole(path, [&](byte_sink& sink) { return export_model(m, options, sink, &counts); });
  }
  check(done);
  py::dict out;
  out["rows"] = counts.rows;
  out["dropped"] = counts.dropped;
  out["bytes"] = counts.bytes;
  out["bytes_saved"] = counts.bytes_saved;
  return out;
}

py::dict alphafm_info(const std::string& path) {
  alphafm_reader reader;
  check(reader.open(path, true, -1));
  py::dict info;
  info["number_bytes"] = reader.number_bytes();
  info["factors"] = reader.factors();
  info["features"] = reader.features();
  info["nonzero_features"] = reader.nonzero_features();
  return info;
}

void convert_file(const std::string& from, bool from_binary, int64_t factors,
                  const std::string& format, bool keep_zeros, const std::string& to) {
  const py::gil_scoped_release release;
  const alphafm_format target = format == "text"     ? alphafm_format::text
                                : format == "double" ? alphafm_format::binary_double
                                                     : alphafm_format::binary_float;
  status done;
  if (to.empty()) {
    descriptor_sink out(1, "standard output");
    done = convert_alphafm(from, from_binary, factors, target, keep_zeros, out);
  } else {
    done = write_whole(to, [&](byte_sink& sink) {
      return convert_alphafm(from, from_binary, factors, target, keep_zeros, sink);
    });
  }
  const py::gil_scoped_acquire acquire;
  check(done);
}

std::unique_ptr<model_handle> load_file(const std::string& path) {
  std::unique_ptr<model> m;
  status done;
  {
    const py::gil_scoped_release release;
    done = load_model(path, &m);
  }
  check(done);
  return std::make_unique<model_handle>(std::move(m));
}

std::unique_ptr<model_handle> loads(const py::bytes& bytes) {
  const std::string_view view = bytes;
  memory_source source(view.data(), view.size());
  std::unique_ptr<model> m;
  check(read_model(source, "the pickled model", &m));
  return std::make_unique<model_handle>(std::move(m));
}

std::unique_ptr<model_handle> import_file(const std::string& path, bool binary, int64_t factors,
                                          const hyper_dict& given) {
  const hyper h = hyper_from(given);
  std::unique_ptr<model> m;
  status done;
  {
    const py::gil_scoped_release release;
    done = import_alphafm(path, binary, factors, h, &m);
  }
  check(done);
  return std::make_unique<model_handle>(std::move(m));
}

void save(model_handle& handle, const std::string& path) {
  const model& m = handle.use();
  status done;
  {
    const py::gil_scoped_release release;
    done = save_model(m, path);
  }
  check(done);
}

py::bytes dumps(model_handle& handle) {
  memory_sink sink;
  check(write_model(handle.use(), sink));
  return py::bytes(sink.bytes);
}

// From here on rows are encoded by it; golden rows are taken anew.
void set_encoder(model_handle& handle, const encoder_handle& h) {
  model& m = handle.use();
  if (h.plan->hash_seed() != static_cast<uint32_t>(m.hypers().hash_seed)) {
    throw py::value_error("the encoder hashes with another seed than the model");
  }
  check(h.plan->check_fitted());
  m.encoded = {h.plan, {}, {}};
}

// Of those ids, the rows that the model has leave it. How many that were.
uint64_t drop_rows(model_handle& handle, const id_array& ids) {
  model& m = handle.use();
  const std::unordered_set<uint64_t> leaving(ids.data(), ids.data() + ids.size());
  const py::gil_scoped_release release;
  return m.drop([&leaving](uint64_t id) { return leaving.count(id) > 0; });
}

// Of the model file's block.
uint64_t encoder_bytes(model_handle& handle) {
  const model& m = handle.use();
  if (m.encoded.plan == nullptr) return 0;
  return pack_encoding(m.encoded, make_golden(m.encoded, score_of(m))).size();
}

void bind_encoding(py::class_<model_handle>& c) {
  c.def("set_encoder", &set_encoder, py::arg("encoder"))
      .def("drop_rows", &drop_rows, py::arg("ids"))
      .def("guards",
           [](model_handle& h) -> py::list {
             const encoding& encoded = h.use().encoded;
             if (encoded.plan == nullptr) return py::list();
             return describe_guards(*encoded.plan, encoded.guards);
           })
      .def_property_readonly("encoder_bytes", &encoder_bytes)
      .def_property_readonly("encoder", [](model_handle& h) -> py::object {
        const encoding& encoded = h.held->encoded;
        if (encoded.plan == nullptr) return py::none();
        return py::cast(encoder_handle{encoded.plan});
      });
}

}  // namespace

void bind_model(py::module_& module) {
  py::class_<model_handle> c(module, "Model");
  bind_encoding(c);
  c.def(py::init([](const hyper_dict& given, bool names) {
          return std::make_unique<model_handle>(std::make_unique<model>(hyper_from(given), names));
        }),
        py::arg("hyper"), py::arg("names") = false)
      .def_static("load", &load_file, py::arg("path"))
      .def_static("loads", &loads, py::arg("data"))
      .def_static("import_alphafm", &import_file, py::arg("path"), py::arg("binary"),
                  py::arg("factors"), py::arg("hyper"))
      .def("save", &save, py::arg("path"))
      .def("dumps", &dumps)
      .def("export", &export_to, py::arg("path"), py::arg("format"), py::arg("keep_zeros"),
           py::arg("exact") = true)
      .def("hyper", [](model_handle& h) { return hyper_of(*h.held); })
      .def(
          "change_hyper",
          [](model_handle& h, const hyper_dict& given) {
            check(h.use().change_hyper(hyper_from(given)));
          },
          py::arg("hyper"))
      .def(
          "set_expiry",
          [](model_handle& h, const std::vector<std::string>& rules, uint64_t now_minutes) {
            check(h.use().set_expiry(rules, now_minutes));
          },
          py::arg("rules"), py::arg("now_minutes"))
      .def_property_readonly("expiry",
                             [](model_handle& h) {
                               const expiry_rules& rules = h.held->expiry();
                               return rules.on() ? rules.text() : std::string();
                             })
      .def("weights", &weights_of_ids, py::arg("ids"))
      .def("arrays", &arrays, py::arg("state") = true)
      .def("arrays_of", &arrays_of, py::arg("ids"))
      .def("names_of", &names_of, py::arg("ids"))
      .def("sparsity", &sparsity)
      .def_property_readonly("hash_seed",
                             [](model_handle& h) { return h.held->hypers().hash_seed; })
      .def_property_readonly("features", [](model_handle& h) { return h.held->rows().rows(); })
      .def_property_readonly("factors", [](model_handle& h) { return h.held->factors(); })
      .def_property_readonly("has_stored", [](model_handle& h) { return h.held->has_stored(); })
      .def_property_readonly("has_names",
                             [](model_handle& h) { return h.held->rows().has_names(); })
      .def_property_readonly("memory_bytes", [](model_handle& h) { return h.held->memory_bytes(); })
      .def_property_readonly("name_bytes",
                             [](model_handle& h) { return h.use().rows().name_bytes(); })
      .def_property_readonly("bias", [](model_handle& h) { return h.use().bias_weight(); })
      .def_property_readonly(
          "bias_state",
          [](model_handle& h) { return py::make_tuple(h.use().bias.z, h.use().bias.n); })
      .def_property_readonly("samples", [](model_handle& h) { return h.held->seen.samples; })
      .def_property_readonly("weight_sum", [](model_handle& h) { return h.held->seen.weight_sum; })
      .def_property_readonly("label_sum", [](model_handle& h) { return h.held->seen.label_sum; });
  module.def("alphafm_info", &alphafm_info, py::arg("path"));
  module.def("convert_alphafm", &convert_file, py::arg("source"), py::arg("source_binary"),
             py::arg("factors"), py::arg("format"), py::arg("keep_zeros"), py::arg("target"));
}

}  // namespace fmtrain
