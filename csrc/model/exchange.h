// Models in other programs' formats: alphaFM's files in and out, text and JSON out.
//
//     text   "# fmtrain-text 1 factors=K features=N", "bias<TAB>w", then name<TAB>w[<TAB>v1..vk];
//            a feature whose name was not kept is written id:HEX (16 digits); tab, newline and
//            backslash in a name are escaped with a backslash, as in C
//     json   one document, a feature a line: {"format": "fmtrain-json", "version": 1, "hyper":
//     {..},
//            "bias": w, "features": [{"id": HEX, "name": .., "w": w, "v": [..]}, ..]}
//
// Weights are those of the final state. A model that came from alphaFM and was not trained since
// carries that program's own w and v (one update older than its n and z) and gives those.
#pragma once

#include <memory>
#include <string>

#include "model/alphafm.h"
#include "model/model.h"

namespace fmtrain {

enum class export_format { text, json, alphafm_text, alphafm_binary_double, alphafm_binary_float };

struct export_counts {
  uint64_t rows = 0;         // written
  uint64_t dropped = 0;      // left out: w = 0 and all v = 0
  uint64_t bytes = 0;        // written
  uint64_t bytes_saved = 0;  // what the dropped rows would have added
};

struct export_options {
  export_format format = export_format::text;
  bool keep_zeros = false;
  bool exact = true;  // alphaFM text only: see alphafm_writer
};

status export_model(const model& m, const export_options& options, byte_sink& sink,
                    export_counts* counts);

// `h` gives the learning rates and penalties, which the file does not hold. factors < 0: the
// file's own.
status import_alphafm(const std::string& path, bool binary, int64_t factors, hyper h,
                      std::unique_ptr<model>* out);

}  // namespace fmtrain
