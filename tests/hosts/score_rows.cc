// A host in C++11: see README.md.
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "fmscore.hpp"

namespace {

struct cut : std::runtime_error {
  explicit cut(const std::string& path) : std::runtime_error(path + ": cut") {}
};

// Takes numbers off the front of a file's bytes.
class reader {
 public:
  reader(const std::string& path, const std::string& bytes) : path_(path), bytes_(bytes), at_(0) {}

  template <typename T>
  std::vector<T> take(uint64_t count) {
    if (count > (bytes_.size() - at_) / sizeof(T)) throw cut(path_);
    std::vector<T> values(count);
    std::memcpy(values.data(), bytes_.data() + at_, count * sizeof(T));
    at_ += count * sizeof(T);
    return values;
  }
  void end() const {
    if (at_ != bytes_.size()) throw cut(path_);
  }

 private:
  const std::string path_, bytes_;
  size_t at_;
};

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw cut(path);
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

fmscore::scores score_csr(fmscore::context& context, const std::string& path) {
  reader in(path, read_file(path));
  const std::vector<uint64_t> counts = in.take<uint64_t>(3);
  const std::vector<uint64_t> user_ids = in.take<uint64_t>(counts[1]);
  const std::vector<float> user_x = in.take<float>(counts[1]);
  const std::vector<uint64_t> row_ptr = in.take<uint64_t>(counts[0] + 1);
  const std::vector<uint64_t> ids = in.take<uint64_t>(counts[2]);
  const std::vector<float> x = in.take<float>(counts[2]);
  in.end();

  fmscore::id_rows user;
  user.row();
  for (size_t i = 0; i < user_ids.size(); ++i) user.add(user_ids[i], user_x[i]);

  fms_rows items = fmscore::make<fms_rows>();
  items.form = FMS_ROWS_IDS;
  items.rows = counts[0];
  items.row_ptr = row_ptr.data();
  items.ids = ids.data();
  items.x = x.data();
  fmscore::scores scores;
  if (user_ids.empty()) {
    fmscore::request(context).score(items, &scores);
  } else {
    fmscore::request(context, user).score(items, &scores);
  }
  return scores;
}

fmscore::scores score_json(fmscore::context& context, const std::string& path) {
  std::ifstream file(path);
  std::string user, line;
  if (!std::getline(file, user)) throw cut(path);
  fmscore::json_rows users, items;
  users.row(user);
  while (std::getline(file, line)) items.row(line);
  fmscore::scores scores;
  if (user.empty()) {
    fmscore::request(context).score(items, &scores);
  } else {
    fmscore::request(context, users).score(items, &scores);
  }
  return scores;
}

void run(const std::string& model, bool is_json, const std::string& rows, const std::string& out) {
  fmscore::slot slot;
  slot.publish(fmscore::model::open(model));
  fmscore::context context(slot);
  const fmscore::scores scores = (is_json ? score_json : score_csr)(context, rows);
  std::ofstream file(out, std::ios::binary);
  file.write(reinterpret_cast<const char*>(scores.score.data()),
             static_cast<std::streamsize>(scores.score.size() * sizeof(float)));
  file.write(reinterpret_cast<const char*>(scores.status.data()),
             static_cast<std::streamsize>(scores.status.size()));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string form = argc == 5 ? argv[2] : "";
  if (form != "csr" && form != "json") return 2;
  try {
    run(argv[1], form == "json", argv[3], argv[4]);
  } catch (const fmscore::error& e) {
    std::cerr << e.what() << '\n';
    return 1;
  } catch (const cut& e) {
    std::cerr << e.what() << '\n';
    return 2;
  }
  return 0;
}
