// What all functions of the C door share: codes and messages of what went wrong, and sizes of
// structs.
#pragma once

#include <cstring>
#include <exception>
#include <new>
#include <string>

#include "base/status.h"
#include "serve/fmscore.h"

namespace fmtrain {

// Keeps the message for fms_last_error and returns the code.
int32_t fail(int32_t code, const char* message);
int32_t fail(const status& failed);
inline int32_t code_of(const status& done) { return done.ok() ? FMS_OK : fail(done); }

// Runs what a function of the door does; no exception leaves it.
template <class Function>
int32_t guarded(const Function& function) {
  try {
    return function();
  } catch (const std::bad_alloc&) {
    return fail(FMS_ENOMEM, "out of memory");
  } catch (const std::exception& error) {
    return fail(FMS_ENOMEM, error.what());
  }
}

// A host's struct as this library knows it: members that an older host's size leaves out are 0.
template <class T>
status read_struct(const T* given, const char* name, T* out) {
  if (given == nullptr) return {errc::invalid, std::string(name) + " is a null pointer"};
  if (given->struct_size < sizeof(T)) {
    return {errc::invalid, std::string(name) + ": struct_size is " +
                               std::to_string(given->struct_size) + ", not " +
                               std::to_string(sizeof(T)) + ": set it by FMS_INIT"};
  }
  std::memcpy(out, given, sizeof(T));
  return {};
}

// The other way: all members but the size, as far as the host knows them.
template <class T>
int32_t write_struct(const T& from, const char* name, T* out) {
  T given;
  const status checked = read_struct(out, name, &given);
  if (!checked.ok()) return fail(checked);
  std::memcpy(reinterpret_cast<char*>(out) + sizeof(uint32_t),
              reinterpret_cast<const char*>(&from) + sizeof(uint32_t),
              sizeof(T) - sizeof(uint32_t));
  return FMS_OK;
}

// "slot is a null pointer".
int32_t null_pointer(const char* name);

}  // namespace fmtrain
