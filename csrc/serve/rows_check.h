// What of a host's rows can be checked before they are read.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "serve/fmscore.h"

namespace fmtrain {

// `what` is what messages call them: "user", "items". Columns are checked where they are used.
status check_rows(const fms_rows& rows, const char* what);

// Of offsets at[first] to at[last], which never fall: the first i whose next one is less, or last.
uint64_t fall_in(const uint64_t* at, uint64_t first, uint64_t last);
// "I, from at[I] to at[I + 1]".
std::string step_at(const uint64_t* at, uint64_t i);

}  // namespace fmtrain
