#include "support.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace fmtrain {

void check_refused(std::string_view bytes, const std::string& what) {
  std::unique_ptr<model> m;
  const status refused = model_of(bytes, &m);
  CHECK_EQ(refused.code(), errc::format);
  if (refused.message().find("the-file: damaged model file: ") != 0 ||
      refused.message().find(what) == std::string::npos) {
    CHECK_EQ(refused.message(), what);
  }
  CHECK(m == nullptr);
}

temporary_folder::temporary_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "fmtrain-test-XXXXXX").string();
  CHECK(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

temporary_folder::~temporary_folder() { std::filesystem::remove_all(path_); }

std::vector<std::string> temporary_folder::names() const {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    found.push_back(entry.path().filename().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  CHECK(file.good());
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.flush();
  CHECK(file.good());
}

}  // namespace fmtrain
