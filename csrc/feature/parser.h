// One line of text -> one sample of a batch. Owns nothing, allocates nothing but the batch's room,
// never throws for what a line holds.
//
//     label[:weight] name[:value] name[:value] ... [# key]        (text; alphaFM's and libsvm's
//     too) label[:weight] field:name[:value] ...            [# key]    (libffm; the field is not
//     used yet)
//
// label: 1 or 0, 1 or -1, or a probability between; weight >= 0; a name is any bytes but space,
// tab, colon, newline; a value is a finite decimal number, default 1, 0 is dropped; separators are
// runs of spaces and tabs; a lone # starts the key, alone on a line it starts a comment. A name
// that stands twice in a line is two features: both add to the score and both are updated, in turn.
#pragma once

#include <cstdint>

#include "feature/batch.h"

namespace fmtrain {

enum class line_kind : uint8_t {
  sample,
  blank,
  comment,
  // Bad lines, by reason.
  missing_label,
  bad_label,
  bad_weight,
  missing_name,
  missing_value,
  bad_value,
  nonfinite_value,
  too_long,
  // Of raw rows (see encode/): they are no text samples yet.
  ragged,
  open_quote,
  bad_json,
  rejected_cell,
  too_wide,
  nonfinite_score,  // not the parser's: the learner refused the sample
};
constexpr int line_kinds = static_cast<int>(line_kind::nonfinite_score) + 1;

inline bool is_bad(line_kind kind) { return kind > line_kind::comment; }

// Machine name ("bad_value") and what to tell a user.
const char* reason_name(line_kind kind);
const char* reason_text(line_kind kind);

// Longer lines are counted and skipped: without a bound a stream without newlines eats the memory.
constexpr size_t line_bytes_max = size_t{16} << 20;

enum class text_format : uint8_t { text, libffm };

class chunk_format;

struct parse_options {
  text_format format = text_format::text;
  uint32_t hash_seed = 0;
  bool names = false;            // the consumer keeps them: an input without (a cache) is refused
  chunk_format* rows = nullptr;  // who reads text that is no samples yet; outlives the stream
};

struct parse_result {
  line_kind kind;
  const char* where;  // the offending byte when kind is bad
};

// Parses [first, last); `last` must be a newline or a carriage return before one, with
// padding_bytes readable behind it. Adds one sample to `out` or leaves it as it was. `first` must
// lie within 4 GiB of out.text.
parse_result parse_line(const char* first, const char* last, const parse_options& options,
                        uint64_t line_number, batch& out);

// A finite float and where it ended. Grammar: [+-] digits [. digits] [e [+-] digits]; correctly
// rounded. kind is sample, bad_value or nonfinite_value.
parse_result parse_value(const char* first, const char* last, float* value);

}  // namespace fmtrain
