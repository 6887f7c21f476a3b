// Slices of Arrow record batches as sources of batches: cells -> encoder, on the workers' threads.
#pragma once

#include <memory>
#include <string>

#include "encode/arrow_stream.h"
#include "encode/row_source.h"

namespace fmtrain {

arrow_wants arrow_wants_of(const encoder& plan, bool label_required);

// `rows` and `log` outlive it. A row's line is its number in the stream, from 1.
std::unique_ptr<batch_source> make_arrow_source(arrow_slice slice, const std::string& input,
                                                row_input& rows, line_log& log);

}  // namespace fmtrain
