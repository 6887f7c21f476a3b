#include "model/expiry.h"

#include <algorithm>
#include <charconv>

namespace fmtrain {
namespace {

constexpr uint32_t time_mask = (1u << row_tail::time_bits) - 1;
constexpr size_t rules_max = 1u << (32 - row_tail::time_bits);
// Of all prefixes: the rules stand in the model file's header, which holds twice that.
constexpr size_t prefix_bytes_max = 32768;

status refused(const std::string& rule, const std::string& why) {
  return {errc::invalid,
          "expire_after = " + (rule.empty() ? "''" : rule) + " is not allowed: " + why};
}

struct parsed_rule {
  std::string prefix;
  uint64_t amount = 0;
  bool days = false;
};

status parse_rule(const std::string& text, parsed_rule* out) {
  const size_t equals = text.rfind('=');
  const size_t begin = equals == std::string::npos ? 0 : equals + 1;
  if (equals != std::string::npos) out->prefix = text.substr(0, equals);
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + begin, last, out->amount);
  out->days = end + 1 == last && *end == 'd';
  const bool whole = error == std::errc() && (end == last || out->days);
  if (!whole || equals == 0 || out->prefix.find_first_of(" \t\n:") != std::string::npos) {
    return refused(text, "give samples as 50000000 or days as 30d, with a prefix as user_=7d");
  }
  return {};
}

}  // namespace

status expiry_rules::set(const std::vector<std::string>& given) {
  std::vector<rule> next = rules_;
  if (next.empty()) next.emplace_back();
  for (rule& r : next) r.amount = r.units = 0;
  std::vector<bool> named(next.size(), false);
  auto clock = expiry_clock::none;
  size_t prefix_bytes = 0;
  for (const rule& r : next) prefix_bytes += r.prefix.size();
  for (const std::string& text : given) {
    parsed_rule parsed;
    FMTRAIN_TRY(parse_rule(text, &parsed));
    if (parsed.amount > 0) {
      const auto its = parsed.days ? expiry_clock::minutes : expiry_clock::samples;
      if (clock != expiry_clock::none && clock != its) {
        return refused(text, "samples and days cannot be mixed");
      }
      clock = its;
    }
    const uint64_t unit = parsed.days ? 1 : samples_a_unit, per = parsed.days ? minutes_a_day : 1;
    if (parsed.amount >= uint64_t{time_mask} / 2 / per * unit) {
      return refused(text, "at most " + std::to_string(time_mask / 2 / per * unit) +
                               (parsed.days ? "d" : "") + " can be told apart");
    }
    auto at = std::find_if(next.begin(), next.end(),
                           [&](const rule& r) { return r.prefix == parsed.prefix; });
    if (at == next.end()) {
      if (next.size() == rules_max) return refused(text, "255 prefixes are the most");
      prefix_bytes += parsed.prefix.size();
      if (prefix_bytes > prefix_bytes_max) {
        return refused(text, "all prefixes together have at most 32768 bytes");
      }
      next.push_back({parsed.prefix, 0, 0});
      named.push_back(false);
      at = next.end() - 1;
    }
    if (named[at - next.begin()]) return refused(text, "its prefix stands twice");
    named[at - next.begin()] = true;
    at->amount = parsed.amount;
    at->units = static_cast<uint32_t>((parsed.amount * per + unit - 1) / unit);
  }
  // A prefix that is not named any more: as everybody else.
  for (size_t i = 1; i < next.size(); ++i) {
    if (!named[i]) next[i] = {next[i].prefix, next[0].amount, next[0].units};
  }
  rules_ = std::move(next);
  clock_ = clock;
  return {};
}

std::string expiry_rules::text() const {
  std::string all;
  for (const rule& r : rules_) {
    if (!all.empty()) all += ' ';
    if (!r.prefix.empty()) all.append(r.prefix).append("=");
    all += std::to_string(r.amount);
    if (clock_ == expiry_clock::minutes && r.amount > 0) all += 'd';
  }
  return all;
}

status expiry_rules::parse(const std::string& text) {
  std::vector<std::string> all;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    all.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  rules_.clear();
  clock_ = expiry_clock::none;
  return all.empty() ? status() : set(all);
}

uint32_t expiry_rules::group_bits(std::string_view name) const {
  size_t best = 0;
  for (size_t i = 1; i < rules_.size(); ++i) {
    const std::string& prefix = rules_[i].prefix;
    const bool fits = name.substr(0, prefix.size()) == prefix;
    if (fits && prefix.size() > rules_[best].prefix.size()) best = i;
  }
  return static_cast<uint32_t>(best) << row_tail::time_bits;
}

bool expiry_rules::expired(uint32_t stamp, uint32_t now) const {
  const size_t group = stamp >> row_tail::time_bits;
  const uint32_t units = rules_[group < rules_.size() ? group : 0].units;
  const uint32_t age = (now - stamp) & time_mask;
  // An age beyond half the circle is a clock that was set back.
  return units > 0 && age > units && age <= time_mask / 2;
}

uint32_t expiry_rules::soonest() const {
  uint32_t least = time_mask;
  for (const rule& r : rules_) {
    if (r.units > 0) least = std::min(least, r.units);
  }
  return least;
}

}  // namespace fmtrain
