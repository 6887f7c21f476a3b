#include "bind/bind_cache.h"

#include "bind/bind_encode.h"
#include "bind/bind_input.h"

namespace fmtrain {

void bind_packer(py::class_<pack_handle>& c) {
  c.def(py::init([](size_t threads, const std::string& format, uint32_t hash_seed, bool names,
                    int bad_lines_fd, const encoder_handle* rows) {
          auto handle = std::make_unique<pack_handle>();
          if (rows != nullptr) handle->plan = rows->plan;
          const parse_options parsing =
              parsing_from(format, handle->plan.get(), hash_seed, {names, true}, &handle->rows);
          handle->held = std::make_unique<packer>(threads, parsing);
          handle->held->input().log().copy_bad_lines_to(bad_lines_fd);
          return handle;
        }),
        py::arg("threads"), py::arg("format") = "text", py::arg("hash_seed") = 0,
        py::arg("names") = false, py::arg("bad_lines_fd") = -1, py::arg("encoder") = py::none());
}

}  // namespace fmtrain
