#include <type_traits>

#include "base/append.h"
#include "bind/bind.h"
#include "bind/bind_arrow.h"
#include "bind/bind_cache.h"
#include "bind/bind_input.h"
#include "feature/hash.h"
#include "feature/text_source.h"
#include "score/predictor.h"
#include "serve/golden_samples.h"
#include "train/trainer.h"

namespace fmtrain {
namespace {

// A consumer of samples with what Python keeps alive for it.
template <class Consumer>
struct stream_handle {
  model_handle& owner;
  std::unique_ptr<row_input> rows;  // of raw rows: nullptr where samples are read
  std::unique_ptr<arrow_stream> arrow;
  std::unique_ptr<matrix_columns> columns;
  std::vector<py::object> arrays;  // what matrix sources point into
  std::unique_ptr<cache_writer> cache;
  std::unique_ptr<Consumer> held;
  static constexpr bool learns = std::is_same_v<Consumer, trainer>;

  stream_handle(model_handle& model_owner, std::unique_ptr<row_input> input,
                std::unique_ptr<Consumer> consumer)
      : owner(model_owner), rows(std::move(input)), held(std::move(consumer)) {
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
    if (open && learns) {
      --owner.learning;
      if (rows != nullptr) owner.held->encoded.add_run(*rows);
    }
    open = false;
  }
  bool open = false;
};

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

parse_options parsing_for(const model& m, const std::string& format, const row_options& options,
                          std::unique_ptr<row_input>* rows) {
  const auto seed = static_cast<uint32_t>(m.hypers().hash_seed);
  return parsing_from(format, m.encoded.plan.get(), seed, options, rows);
}

template <class Handle>
py::list guards_of(Handle& h) {
  if (h.rows == nullptr) return py::list();
  return describe_guards(h.rows->plan(), h.rows->guards().counts());
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

// Once the stream is finished: row_ptr (rows + 1), ids, x.
py::tuple golden_arrays(stream_handle<golden_samples>& h) {
  std::vector<uint64_t> row_ptr = {0}, ids;
  std::vector<float> x;
  for (const golden_row& row : h.held->rows()) {
    append_all(ids, row.id);
    append_all(x, row.x);
    row_ptr.push_back(ids.size());
  }
  return py::make_tuple(to_array(row_ptr), to_array(ids), to_array(x));
}

void bind_golden(py::module_& module) {
  using golden_handle = stream_handle<golden_samples>;
  py::class_<golden_handle> golden(module, "GoldenSamples");
  golden.def(py::init([](model_handle& m, const std::string& format) {
               std::unique_ptr<row_input> rows;
               const parse_options parsing = parsing_for(m.use(), format, {false, false}, &rows);
               return std::make_unique<golden_handle>(m, std::move(rows),
                                                      std::make_unique<golden_samples>(parsing));
             }),
             py::arg("model"), py::arg("format") = "text", py::keep_alive<1, 2>());
  bind_input(golden);
  bind_arrow(golden);
  golden.def("take", &golden_arrays);
}

void bind_packing(py::module_& module) {
  py::class_<pack_handle> pack(module, "Packer");
  bind_packer(pack);
  bind_input(pack);
  bind_arrow(pack);
  bind_cache(pack);
}

}  // namespace

void bind_stream(py::module_& module) {
  module.def("first_bad_line", &first_bad_line, py::arg("text"));
  using train_handle = stream_handle<trainer>;
  py::class_<train_handle> train(module, "Trainer");
  train.def(py::init([](model_handle& m, size_t threads, const std::string& format,
                        int bad_lines_fd, bool deterministic, uint64_t min_count_memory,
                        uint64_t max_memory, uint64_t now_minutes, bool count_anew) {
              model& into = m.use();
              const bool names = into.rows().has_names() || into.expiry().reads_names();
              std::unique_ptr<row_input> rows;
              const parse_options parsing = parsing_for(into, format, {names, true}, &rows);
              if (count_anew) m.counts = nullptr;
              const economy_options thrift = {min_count_memory, max_memory, now_minutes, m.counts};
              auto handle = std::make_unique<train_handle>(
                  m, std::move(rows),
                  std::make_unique<trainer>(into, train_options{threads, deterministic, thrift},
                                            parsing));
              m.counts = handle->held->thrift().counts();
              handle->held->input().log().copy_bad_lines_to(bad_lines_fd);
              return handle;
            }),
            py::arg("model"), py::arg("threads"), py::arg("format") = "text",
            py::arg("bad_lines_fd") = -1, py::arg("deterministic") = false,
            py::arg("min_count_memory") = 0, py::arg("max_memory") = 0, py::arg("now_minutes") = 0,
            py::arg("count_anew") = false, py::keep_alive<1, 2>());
  bind_input(train);
  bind_arrow(train);
  bind_cache(train);
  train.def("progress", &describe_progress, py::arg("close_window"));
  train.def("guards", &guards_of<train_handle>);

  using predict_handle = stream_handle<predictor>;
  py::class_<predict_handle> predict(module, "Predictor");
  predict.def(
      py::init([](model_handle& m, size_t threads, const std::string& format, int bad_lines_fd,
                  int output_fd, const std::string& output_link, bool alphafm,
                  bool label_required) {
        predict_options options;
        options.output_fd = output_fd;
        options.format = alphafm ? prediction_format::alphafm : prediction_format::text;
        options.link = word_of<link>(output_link, link_words);
        std::unique_ptr<row_input> rows;
        const parse_options parsing = parsing_for(m.use(), format, {false, label_required}, &rows);
        auto handle = std::make_unique<predict_handle>(
            m, std::move(rows), std::make_unique<predictor>(m.use(), threads, parsing, options));
        handle->held->input().log().copy_bad_lines_to(bad_lines_fd);
        return handle;
      }),
      py::arg("model"), py::arg("threads"), py::arg("format") = "text",
      py::arg("bad_lines_fd") = -1, py::arg("output_fd") = -1, py::arg("link") = "sigmoid",
      py::arg("alphafm") = false, py::arg("label_required") = true, py::keep_alive<1, 2>());
  bind_input(predict);
  bind_arrow(predict);
  predict.def("guards", &guards_of<predict_handle>);
  predict
      .def("take",
           [](predict_handle& h) {
             const predictions p = h.held->take();
             return py::make_tuple(to_array(p.label), to_array(p.weight), to_array(p.score),
                                   to_array(p.group));
           })
      .def_property_readonly("samples", [](predict_handle& h) { return h.held->samples(); });

  bind_golden(module);
  bind_packing(module);
}

}  // namespace fmtrain
