// A model on its way into a serving file.
#include "bind/bind.h"
#include "serve/freeze.h"

namespace fmtrain {
namespace {

using offsets_array = py::array_t<uint64_t, py::array::c_style | py::array::forcecast>;
using floats_array = py::array_t<float, py::array::c_style | py::array::forcecast>;
using points_array = py::array_t<double, py::array::c_style | py::array::forcecast>;

// Samples in CSR, as GoldenSamples gives them.
std::vector<golden_row> samples_from(const offsets_array& row_ptr, const offsets_array& id,
                                     const floats_array& x) {
  std::vector<golden_row> samples;
  if (row_ptr.size() == 0 || id.size() != x.size() ||
      row_ptr.data()[row_ptr.size() - 1] != static_cast<uint64_t>(id.size())) {
    throw py::value_error("golden samples are cut");
  }
  for (py::ssize_t i = 0; i + 1 < row_ptr.size(); ++i) {
    const uint64_t first = row_ptr.data()[i], last = row_ptr.data()[i + 1];
    if (first > last || last > static_cast<uint64_t>(id.size())) {
      throw py::value_error("golden samples are in disorder");
    }
    samples.push_back(
        {"", {id.data() + first, id.data() + last}, {x.data() + first, x.data() + last}, 0});
  }
  return samples;
}

py::dict export_serving(model_handle& handle, const std::string& path,
                        const std::string& precision_given, const std::string& name,
                        const std::string& version, uint64_t trained_until,
                        const std::string& link_given, double down_sampling_rate,
                        const points_array& curve, const offsets_array& row_ptr,
                        const offsets_array& id, const floats_array& x, double max_score_shift) {
  const model& m = handle.use();
  freeze_options options;
  options.precision = word_of<precision>(precision_given, precision_words);
  options.name = name;
  options.version = version;
  options.trained_until = trained_until;
  options.link = word_of<link>(link_given, link_words);
  options.down_sampling_rate = down_sampling_rate;
  if (curve.ndim() != 2 || curve.shape(1) != 2) throw py::value_error("a curve is (n, 2)");
  for (py::ssize_t i = 0; i < curve.shape(0); ++i) {
    options.curve.push_back({curve.at(i, 0), curve.at(i, 1)});
  }
  options.samples = samples_from(row_ptr, id, x);
  options.score_shift_max = max_score_shift;
  freeze_counts counts;
  status done;
  {
    const py::gil_scoped_release release;
    done = write_whole(path, [&](byte_sink& sink) { return freeze(m, options, sink, &counts); });
  }
  check(done);
  py::dict out;
  out["features"] = counts.features;
  out["pruned"] = counts.pruned;
  out["bytes"] = counts.bytes;
  out["bytes_pruned"] = counts.bytes_pruned;
  out["golden_rows"] = counts.golden_rows;
  out["golden_shift"] = counts.golden_shift;
  return out;
}

}  // namespace

void bind_serving(py::module_& module) {
  module.def("export_serving", &export_serving, py::arg("model"), py::arg("path"),
             py::arg("precision"), py::arg("name"), py::arg("version"), py::arg("trained_until"),
             py::arg("link"), py::arg("down_sampling_rate"), py::arg("curve"), py::arg("row_ptr"),
             py::arg("ids"), py::arg("x"), py::arg("max_score_shift"));
}

}  // namespace fmtrain
