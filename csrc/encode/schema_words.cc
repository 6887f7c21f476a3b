#include "encode/schema_words.h"

namespace fmtrain {

dialect delimited_as(row_format format) {
  dialect how;
  how.separator = format == row_format::csv ? ',' : '\t';
  how.quote = format == row_format::csv ? '"' : '\0';
  return how;
}

bool find_row_format(std::string_view name, row_format* out) {
  for (const auto& [word, format] : formats) {
    if (word != name) continue;
    *out = format;
    return true;
  }
  return false;
}

std::string_view name_of(row_format format) {
  for (const auto& [word, known] : formats) {
    if (known == format) return word;
  }
  return "";
}

dialect dialect_for(const schema& plan, row_format format) {
  if (format == plan.format) return plan.how;
  dialect how = delimited_as(format);
  how.header = plan.how.header;
  how.trim = plan.how.trim;
  return how;
}

}  // namespace fmtrain
