// What of a host's rows can be checked before they are read.
#pragma once

#include "base/status.h"
#include "serve/fmscore.h"

namespace fmtrain {

// `what` is what messages call them: "user", "items". Columns are checked where they are used.
status check_rows(const fms_rows& rows, const char* what);

}  // namespace fmtrain
