// Reading tables of a schema: what a key must hold, and where the one is that does not.
#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "encode/schema.h"

namespace fmtrain {

template <class T>
using choices = std::vector<std::pair<std::string_view, T>>;

// Every check returns a status; the first that is not ok ends the reading. The path of keys to
// where the reading is goes into its message.
class table_reader {
 public:
  explicit table_reader(schema_error* error) : error_(error) {}

 protected:
  // One key deeper while it lives.
  class within {
   public:
    within(table_reader& reader, std::string_view key) : path_(reader.path_) {
      path_.emplace_back(key);
    }
    ~within() { path_.pop_back(); }

   private:
    std::vector<std::string>& path_;
  };

  status wrong(const std::string& message) {
    std::string dotted, lines;
    for (const std::string& key : path_) {
      dotted.append(dotted.empty() ? "" : ".").append(key);
      lines.append(lines.empty() ? "" : "\n").append(key);
    }
    if (error_ != nullptr) *error_ = {lines, message};
    return {errc::invalid, dotted.empty() ? message : dotted + ": " + message};
  }

  template <class Read>
  status each(const json_value& of, std::string_view key, const Read& read) {
    const json_value table = of.find(key);
    if (table.is(json_type::absent)) return {};
    const within table_key(*this, key);
    if (!table.is(json_type::object)) return wrong("a table of names is expected");
    for (size_t i = 0; i < table.size(); ++i) {
      const within name(*this, table.key(i));
      if (!table[i].is(json_type::object)) return wrong("a table is expected");
      FMTRAIN_TRY(read(std::string(table.key(i)), table[i]));
    }
    return {};
  }

  status check_keys(const json_value& table, std::initializer_list<std::string_view> known) {
    for (size_t i = 0; i < table.size(); ++i) {
      if (std::find(known.begin(), known.end(), table.key(i)) != known.end()) continue;
      std::string names;
      for (const std::string_view name : known) {
        names.append(names.empty() ? "" : ", ").append(name);
      }
      const within key(*this, table.key(i));
      return wrong("unknown key; there are: " + names);
    }
    return {};
  }

  // Absent keys leave what is there.
  status take(const json_value& of, std::string_view key, bool* value) {
    const json_value v = of.find(key);
    if (v.is(json_type::absent)) return {};
    const within at(*this, key);
    if (!v.is(json_type::boolean)) return wrong("true or false is expected");
    *value = v.boolean();
    return {};
  }
  status take(const json_value& of, std::string_view key, double* value) {
    const json_value v = of.find(key);
    if (v.is(json_type::absent)) return {};
    const within at(*this, key);
    if (!v.is(json_type::number) || !std::isfinite(v.number())) {
      return wrong("a finite number is expected");
    }
    *value = v.number();
    return {};
  }
  status take(const json_value& of, std::string_view key, std::vector<std::string>* values) {
    const json_value v = of.find(key);
    if (v.is(json_type::absent)) return {};
    const within at(*this, key);
    if (!v.is(json_type::array)) return wrong("a list of texts is expected");
    values->clear();
    for (size_t i = 0; i < v.size(); ++i) {
      const within item(*this, std::to_string(i));
      if (!v[i].is(json_type::string)) return wrong("a text is expected");
      values->emplace_back(v[i].text());
    }
    return {};
  }
  status take(const json_value& of, std::string_view key, char* value, bool may_be_none) {
    const json_value v = of.find(key);
    if (v.is(json_type::absent)) return {};
    const within at(*this, key);
    const std::string_view text = v.text();
    const bool none = may_be_none && v.is(json_type::string) && text.empty();
    if (!none && (!v.is(json_type::string) || text.size() != 1 || text[0] == '\n' ||
                  text[0] == '\r' || text[0] == '\0')) {
      return wrong("one character (a byte, no newline) is expected");
    }
    *value = none ? '\0' : text[0];
    return {};
  }
  template <class T>
  status take(const json_value& of, std::string_view key, const choices<T>& known, T* value) {
    const json_value v = of.find(key);
    if (v.is(json_type::absent)) return {};
    const within at(*this, key);
    std::string names;
    for (const auto& [name, choice] : known) {
      if (v.is(json_type::string) && v.text() == name) {
        *value = choice;
        return {};
      }
      names.append(names.empty() ? "" : ", ").append(name);
    }
    return wrong("one of these is expected: " + names);
  }

 private:
  schema_error* error_;
  std::vector<std::string> path_;
};

}  // namespace fmtrain
