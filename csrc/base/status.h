// What can go wrong, as a value. The core never throws on a line or a feature, never prints, never
// exits: a function that can fail returns a status, and the door (bind/, later the C ABI) turns it
// into the other language's error in one place.
#pragma once

#include <string>
#include <utility>

namespace fmtrain {

enum class errc {
  ok,
  invalid,  // the caller's argument: a hyper-parameter, a flag, a combination
  io,       // the operating system said no: open, read, write, rename, disk full
  format,   // a file that is not ours, or cut, or damaged
  version,  // a file from a newer fmtrain
  input,    // an input that broke off or is damaged
  memory,   // allocation failed
  // Of serving.
  checksum,   // a file is not the one that its reader was told to expect
  selftest,   // a model's golden rows come out otherwise here
  state,      // called at the wrong time
  no_model,   // nothing was published yet
  not_found,  // no such request
};

class [[nodiscard]] status {
 public:
  status() = default;
  status(errc code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == errc::ok; }
  errc code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  errc code_ = errc::ok;
  std::string message_;
};

// Returns the status of `expression` to the caller when it is not ok.
#define FMTRAIN_TRY(expression)                   \
  do {                                            \
    ::fmtrain::status try_status_ = (expression); \
    if (!try_status_.ok()) return try_status_;    \
  } while (0)

}  // namespace fmtrain
