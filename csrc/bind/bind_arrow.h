// Raw rows as columns: anything with the Arrow C stream interface.
#pragma once

#include <memory>
#include <string>

#include "bind/bind_input.h"
#include "encode/arrow_source.h"

namespace fmtrain {

// A handle has `arrow`, the stream in hand, and `rows` (row_input); one without has these two for
// itself.
template <class Handle>
arrow_wants wants_of(Handle& h) {
  if (h.rows == nullptr) {
    raise({errc::invalid, "columns are raw rows, and this stream reads samples"});
  }
  return arrow_wants_of(h.rows->plan(), h.rows->options().label_required);
}
template <class Handle>
std::unique_ptr<batch_source> source_of(Handle& h, arrow_slice slice) {
  return make_arrow_source(std::move(slice), h.arrow->input(), *h.rows, h.held->input().log());
}

template <class Handle>
void open_arrow(Handle& h, const py::capsule& capsule, const std::string& name) {
  const arrow_wants wants = wants_of(h);
  auto* const stream =
      static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule.ptr(), "arrow_array_stream"));
  if (stream == nullptr) throw py::error_already_set();
  status opened;
  {
    const py::gil_scoped_release release;
    opened = arrow_stream::open(stream, wants, name, &h.arrow);
  }
  check(opened);
}

// For about `budget_ms`: a batch more may be waited for. False: the stream is over.
template <class Handle>
bool read_arrow(Handle& h, int64_t budget_ms) {
  using clock = std::chrono::steady_clock;
  if (h.arrow == nullptr) return false;
  status done;
  bool more = true;
  {
    // A producer in Python takes the lock itself; so may whoever gives a batch back.
    const py::gil_scoped_release release;
    sample_stream& input = h.held->input();
    const auto deadline = clock::now() + milliseconds(budget_ms);
    do {
      arrow_slice slice;
      done = h.arrow->next(&slice);
      more = done.ok() && slice.batch != nullptr;
      if (!more) break;
      done = input.push(source_of(h, std::move(slice)));
    } while (done.ok() && clock::now() < deadline);
    if (!more || !done.ok()) h.arrow.reset();
  }
  check(done);
  return more;
}

template <class Handle>
void bind_arrow(py::class_<Handle>& c) {
  c.def("open_arrow", &open_arrow<Handle>, py::arg("stream"), py::arg("name"))
      .def("read_arrow", &read_arrow<Handle>, py::arg("budget_ms"));
}

}  // namespace fmtrain
