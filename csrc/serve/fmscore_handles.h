// What stands behind the C door's pointers.
#pragma once

#include <atomic>
#include <memory>

#include "serve/context.h"
#include "serve/slot.h"

struct fms_model {
  std::atomic<uint64_t> references{1};
  std::shared_ptr<const fmtrain::loaded_model> held;
};

// The slot itself lives as long as any of its contexts.
struct fms_slot {
  std::shared_ptr<fmtrain::slot> held;
};

struct fms_context {
  fmtrain::context held;
};
