// When a row that is not seen any more leaves the model: after so many samples or days, by the
// longest of the given prefixes that its name starts with.
//
// A rule is written "[prefix=]amount": "30d", "50000000" (samples), "user_=7d"; 0 is never. The
// same text is the command line's, Python's and the model file's. A row keeps, beside the time it
// was last seen, the number of its rule: rules keep their numbers for as long as the model lives.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/table.h"

namespace fmtrain {

// What time is measured in. Stamps hold 24 bits of it and wrap: nothing may last longer.
enum class expiry_clock {
  none,
  samples,  // 4096 of them
  minutes,  // since 1970
};

class expiry_rules {
 public:
  // Replaces the rules: "0" alone switches expiry off. What has a number keeps it.
  status set(const std::vector<std::string>& rules);
  // As set takes them, separated by blanks; empty when there are none.
  std::string text() const;
  status parse(const std::string& text);

  bool on() const { return clock_ != expiry_clock::none; }
  expiry_clock clock() const { return clock_; }

  bool reads_names() const { return rules_.size() > 1; }

  // The top bits of the stamp of a new row.
  uint32_t group_bits(std::string_view name) const;
  bool expired(uint32_t stamp, uint32_t now) const;
  // The soonest that anything expires, in the clock's units.
  uint32_t soonest() const;

  static constexpr uint64_t samples_a_unit = 4096, minutes_a_day = 24 * 60;

 private:
  struct rule {
    std::string prefix;   // the first rule's is empty: everybody else
    uint64_t amount = 0;  // samples or days; 0: never
    uint32_t units = 0;   // the same in the clock's units, rounded up
  };

  expiry_clock clock_ = expiry_clock::none;
  std::vector<rule> rules_;
};

}  // namespace fmtrain
