#include "bind/bind_input.h"

namespace fmtrain {

py::dict describe_log(sample_stream& input) {
  py::dict out, bad;
  const line_counts counts = input.log().counts();
  uint64_t bad_lines = 0;
  for (int kind = 0; kind < line_kinds; ++kind) {
    const auto k = static_cast<line_kind>(kind);
    if (!is_bad(k)) {
      out[reason_name(k)] = counts[kind];
    } else if (counts[kind] > 0) {
      bad[reason_name(k)] = counts[kind];
      bad_lines += counts[kind];
    }
  }
  py::list examples;
  for (const bad_line& line : input.log().examples()) {
    py::dict d;
    d["source"] = text_of(line.source);
    d["line"] = line.line;
    d["column"] = line.column;
    d["reason"] = reason_name(line.kind);
    d["text"] = reason_text(line.kind);
    d["detail"] = py::bytes(line.detail);
    examples.append(std::move(d));
  }
  out["bad"] = bad;
  out["bad_lines"] = bad_lines;
  out["examples"] = examples;
  out["comment_text"] = py::bytes(input.log().comment());
  return out;
}

py::list describe_guards(const encoder& plan, const guard_counts& counts) {
  py::list columns;
  for (size_t i = 0; i < plan.plan().columns.size(); ++i) {
    if (!plan.reads(i)) continue;
    const column_guard guard = i < counts.size() ? counts[i] : column_guard();
    py::dict d;
    d["column"] = text_of(plan.plan().columns[i].name);
    d["rows"] = guard.rows;
    d["missing"] = guard.missing;
    d["nan"] = guard.nan;
    d["infinite"] = guard.infinite;
    d["invalid"] = guard.invalid;
    d["outside"] = guard.outside;
    d["unusual"] = guard.unusual;
    columns.append(std::move(d));
  }
  return columns;
}

parse_options parsing_from(const std::string& format, const encoder* plan, uint32_t hash_seed,
                           const row_options& options, std::unique_ptr<row_input>* rows) {
  parse_options parsing;
  parsing.hash_seed = hash_seed;
  parsing.names = options.names;
  if (format == "text" || format == "libffm") {
    parsing.format = format == "libffm" ? text_format::libffm : text_format::text;
    return parsing;
  }
  row_format of_rows = row_format::tsv;
  if (!find_row_format(format, &of_rows)) throw py::value_error("unknown format " + format);
  if (plan == nullptr) {
    raise({errc::invalid, "format = '" + format + "' means raw rows, and the model has no schema"});
  }
  check(plan->check_fitted());
  *rows = std::make_unique<row_input>(*plan, of_rows, options);
  parsing.rows = rows->get();
  return parsing;
}

}  // namespace fmtrain
