#include "encode/arrow_type.h"

#include <cstdlib>
#include <string_view>

namespace fmtrain {
namespace {

struct simple_type {
  std::string_view format;
  arrow_kind kind;
  const char* name;
};

constexpr simple_type simple_types[] = {
    {"n", arrow_kind::null, "null"},
    {"b", arrow_kind::boolean, "bool"},
    {"c", arrow_kind::int8, "int8"},
    {"s", arrow_kind::int16, "int16"},
    {"i", arrow_kind::int32, "int32"},
    {"l", arrow_kind::int64, "int64"},
    {"C", arrow_kind::uint8, "uint8"},
    {"S", arrow_kind::uint16, "uint16"},
    {"I", arrow_kind::uint32, "uint32"},
    {"L", arrow_kind::uint64, "uint64"},
    {"e", arrow_kind::float16, "float16"},
    {"f", arrow_kind::float32, "float32"},
    {"g", arrow_kind::float64, "float64"},
    {"u", arrow_kind::text32, "string"},
    {"z", arrow_kind::text32, "binary"},
    {"U", arrow_kind::text64, "large_string"},
    {"Z", arrow_kind::text64, "large_binary"},
    {"vu", arrow_kind::text_view, "string_view"},
    {"vz", arrow_kind::text_view, "binary_view"},
    {"tdD", arrow_kind::date32, "date32"},
    {"tdm", arrow_kind::date64, "date64"},
    {"+l", arrow_kind::list32, "list"},
    {"+L", arrow_kind::list64, "large_list"},
    {"+m", arrow_kind::map, "map"},
};

constexpr struct {
  std::string_view begin;
  const char* name;
} refused_types[] = {
    {"tts", "time32[s]"},
    {"ttm", "time32[ms]"},
    {"ttu", "time64[us]"},
    {"ttn", "time64[ns]"},
    {"tDs", "duration[s]"},
    {"tDm", "duration[ms]"},
    {"tDu", "duration[us]"},
    {"tDn", "duration[ns]"},
    {"tiM", "month_interval"},
    {"tiD", "day_time_interval"},
    {"tin", "month_day_nano_interval"},
    {"+s", "struct"},
    {"+r", "run_end_encoded"},
    {"+ud:", "dense_union"},
    {"+us:", "sparse_union"},
    {"+vl", "list_view"},
    {"+vL", "large_list_view"},
};

bool begins(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

int64_t width_of(const char* digits) { return std::strtoll(digits, nullptr, 10); }

bool is_number(arrow_kind kind) { return kind >= arrow_kind::int8 && kind <= arrow_kind::float64; }

// What has a text of its own: items of lists, and what dictionaries hold.
bool is_scalar(arrow_kind kind) { return kind <= arrow_kind::text_fixed; }

bool read_flat(const char* format, arrow_type* out) {
  const std::string_view text(format);
  for (const simple_type& type : simple_types) {
    if (text != type.format) continue;
    out->kind = type.kind;
    return true;
  }
  if (begins(text, "w:")) {
    out->kind = arrow_kind::text_fixed;
    out->width = width_of(format + 2);
    return true;
  }
  if (begins(text, "+w:")) {
    out->kind = arrow_kind::list_fixed;
    out->width = width_of(format + 3);
    return true;
  }
  // ts, its unit, a colon, a time zone; the number counts from 1970 in UTC whatever the zone is.
  if (text.size() >= 4 && begins(text, "ts") && text[3] == ':') {
    out->kind = arrow_kind::timestamp;
    out->width = text[2] == 's'   ? 1
                 : text[2] == 'm' ? 1000
                 : text[2] == 'u' ? 1000000
                 : text[2] == 'n' ? 1000000000
                                  : 0;
    return out->width > 0;
  }
  return false;
}

bool read_item(const ArrowSchema& schema, std::unique_ptr<arrow_type>* out) {
  *out = std::make_unique<arrow_type>();
  if (!read_arrow_type(schema, out->get())) return false;
  return (*out)->dictionary != nullptr || is_scalar((*out)->kind);
}

}  // namespace

bool read_arrow_type(const ArrowSchema& schema, arrow_type* out) {
  if (!read_flat(schema.format, out)) return false;
  if (schema.dictionary != nullptr) {
    return read_item(*schema.dictionary, &out->dictionary) &&
           out->dictionary->dictionary == nullptr;
  }
  switch (out->kind) {
    case arrow_kind::list32:
    case arrow_kind::list64:
    case arrow_kind::list_fixed:
      return schema.n_children == 1 && read_item(*schema.children[0], &out->item);
    case arrow_kind::map: {
      if (schema.n_children != 1 || schema.children[0]->n_children != 2) return false;
      ArrowSchema* const* const of = schema.children[0]->children;
      if (!read_item(*of[0], &out->item) || !read_item(*of[1], &out->weight)) return false;
      return is_number(out->weight->kind) && out->weight->dictionary == nullptr;
    }
    default: return true;
  }
}

std::string arrow_type_name(const ArrowSchema& schema) {
  const std::string_view format(schema.format);
  std::string inside;
  if (schema.dictionary != nullptr)
    return "dictionary<" + arrow_type_name(*schema.dictionary) + ">";
  for (int64_t i = 0; i < schema.n_children && begins(format, "+"); ++i) {
    const ArrowSchema& child = *schema.children[i];
    inside += (i == 0 ? "" : ", ") + arrow_type_name(child);
  }
  // A map's entries are a structure of two.
  if (begins(format, "+m") && begins(inside, "struct<")) {
    inside = inside.substr(7, inside.size() - 8);
  }
  if (!inside.empty()) inside = "<" + inside + ">";
  for (const simple_type& type : simple_types) {
    if (format == type.format) return type.name + inside;
  }
  for (const auto& [begin, name] : refused_types) {
    if (begins(format, begin)) return name + inside;
  }
  if (begins(format, "+w:")) return "fixed_size_list" + inside;
  if (begins(format, "w:")) return "fixed_size_binary";
  if (begins(format, "ts")) return "timestamp";
  if (begins(format, "d:")) {
    const size_t comma = format.find(',');
    const size_t second = comma == format.npos ? comma : format.find(',', comma + 1);
    const std::string bits(second == format.npos ? "128" : format.substr(second + 1));
    return "decimal" + bits;
  }
  return "'" + std::string(format) + "'";
}

std::string arrow_type_advice(const ArrowSchema& schema) {
  const std::string_view format(schema.format);
  if (begins(format, "d:")) return "cast it to float64";
  if (begins(format, "tt") || begins(format, "tD")) return "cast it to int64";
  if (begins(format, "+s")) return "make its fields columns";
  if (begins(format, "+v")) return "cast it to a list";
  return "cast it to a number, a string, or a list of those";
}

}  // namespace fmtrain
