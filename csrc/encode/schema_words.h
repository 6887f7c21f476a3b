// The words of a schema and what they stand for.
#pragma once

#include "encode/schema.h"
#include "encode/table_reader.h"

namespace fmtrain {

inline const choices<row_format> formats = {{"tsv", row_format::tsv},
                                            {"csv", row_format::csv},
                                            {"jsonl", row_format::jsonl},
                                            {"parquet", row_format::columns}};
inline const choices<column_type> types = {
    {"category", column_type::category}, {"number", column_type::number},
    {"list", column_type::list},         {"weighted-list", column_type::weighted_list},
    {"text", column_type::text},         {"timestamp", column_type::timestamp}};
inline const choices<column_role> roles = {
    {"feature", column_role::feature}, {"user", column_role::user},     {"item", column_role::item},
    {"label", column_role::label},     {"weight", column_role::weight}, {"key", column_role::key},
    {"ignore", column_role::ignore}};
inline const choices<cell_rule> missing_rules = {
    {"bin", cell_rule::bin}, {"drop", cell_rule::drop}, {"reject", cell_rule::reject}};
inline const choices<cell_rule> invalid_rules = {
    {"missing", cell_rule::missing}, {"drop", cell_rule::drop}, {"reject", cell_rule::reject}};
inline const choices<cell_rule> range_rules = {{"missing", cell_rule::missing},
                                               {"clip", cell_rule::clip},
                                               {"drop", cell_rule::drop},
                                               {"reject", cell_rule::reject}};

}  // namespace fmtrain
