// What Python does with input caches: a cache beside training, packing alone.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bind/bind.h"
#include "encode/arrow_stream.h"
#include "encode/row_source.h"
#include "feature/cache_writer.h"
#include "feature/matrix_source.h"

namespace fmtrain {

// A stream that only packs, shaped as the handles of streams that learn or score.
struct pack_handle {
  std::shared_ptr<const encoder> plan;
  std::unique_ptr<row_input> rows;
  std::unique_ptr<arrow_stream> arrow;
  std::unique_ptr<matrix_columns> columns;
  std::vector<py::object> arrays;
  std::unique_ptr<cache_writer> cache;
  std::unique_ptr<packer> held;

  ~pack_handle() {
    if (held == nullptr) return;  // it could not be opened
    held->input().stop();
    const py::gil_scoped_release release;
    (void)held->finish();
  }
  void close() {}
};

template <class Handle>
void write_cache(Handle& h, const std::string& path, const std::string& codec_given) {
  const sample_stream& input = h.held->input();
  cache_header header{input.options().hash_seed, input.options().names, codec::none};
  if (!find_codec(codec_given, &header.packing)) throw py::value_error("unknown codec");
  h.cache = std::make_unique<cache_writer>(input.threads(), header);
  check(h.cache->open(path));
  h.cache->follow(h.held->input());
}

template <class Handle>
py::dict commit_cache(Handle& h) {
  if (h.cache == nullptr) throw py::value_error("the stream writes no cache");
  status done;
  {
    const py::gil_scoped_release release;
    done = h.cache->commit();
  }
  check(done);
  const cache_totals totals = h.cache->totals();
  py::dict d;
  d["samples"] = totals.samples;
  d["blocks"] = totals.blocks;
  d["bytes"] = totals.bytes;
  return d;
}

template <class Handle>
void bind_cache(py::class_<Handle>& c) {
  c.def("write_cache", &write_cache<Handle>, py::arg("path"), py::arg("codec"))
      .def("commit_cache", &commit_cache<Handle>);
}

void bind_packer(py::class_<pack_handle>& c);

}  // namespace fmtrain
