#include "bind/bind_cache.h"

namespace fmtrain {

void bind_packer(py::class_<pack_handle>& c) {
  c.def(py::init([](size_t threads, const std::string& format, uint32_t hash_seed, bool names,
                    int bad_lines_fd) {
          parse_options parsing;
          parsing.format = format == "libffm" ? text_format::libffm : text_format::text;
          parsing.hash_seed = hash_seed;
          parsing.names = names;
          auto handle = std::make_unique<pack_handle>();
          handle->held = std::make_unique<packer>(threads, parsing);
          handle->held->input().log().copy_bad_lines_to(bad_lines_fd);
          return handle;
        }),
        py::arg("threads"), py::arg("format") = "text", py::arg("hash_seed") = 0,
        py::arg("names") = false, py::arg("bad_lines_fd") = -1);
}

}  // namespace fmtrain
