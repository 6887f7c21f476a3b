// Python's hold on an encoder.
#pragma once

#include <memory>

#include "bind/bind.h"
#include "encode/encoder.h"

namespace fmtrain {

struct encoder_handle {
  std::shared_ptr<const encoder> plan;
};

// The encoder first: others name it.
void bind_encode(py::module_& module);
void bind_sample_writer(py::module_& module);
void bind_profile(py::module_& module);

}  // namespace fmtrain
