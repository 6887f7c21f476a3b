// Files that are cut, flipped, foreign or lying: a status says so, and nothing is read that is not
// there.
#include <cstring>

#include "base/md5.h"
#include "serving_bytes.h"
#include "serving_support.h"

namespace fmtrain {
namespace {

using namespace serving_format;

std::string small_file(precision p) {
  model m(hyper_of({{"factors", "2"}}), false);
  test_random random(3);
  fill_randomly(m, 21, random);
  freeze_options options = in_precision(p);
  options.curve = {{-1, 0.1}, {1, 0.9}};
  options.samples = {{"", {ids_of(m)[0], 5}, {1, 2}, 0}};
  return frozen_bytes(m, options);
}

// Refused, at opening or verifying, by a status that names the file.
void check_damage(std::string_view bytes, const std::string& what, errc code = errc::format) {
  std::unique_ptr<frozen> m;
  const status done = frozen_of(bytes, &m);
  CHECK(done.code() == code);
  CHECK_EQ(done.message().substr(0, 10), "the-file: ");
  if (done.message().find(what) == std::string::npos) CHECK_EQ(done.message(), what);
}

TEST(every_byte_counts) {
  for (const precision p : {precision::float32, precision::float16, precision::int8}) {
    const std::string whole = small_file(p);
    for (size_t at = 0; at < whole.size(); ++at) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
      std::unique_ptr<frozen> m;
      CHECK(!frozen_of(flipped, &m).ok());
    }
  }
}

TEST(every_cut) {
  const std::string whole = small_file(precision::int8);
  for (size_t size = 0; size < whole.size(); ++size) {
    std::unique_ptr<frozen> m;
    CHECK(!frozen_of(std::string_view(whole).substr(0, size), &m).ok());
  }
  check_damage(whole + '\0', "bytes and should have");
  check_damage("", "not an fmtrain serving file (it is empty)");
  check_damage(
      "\x89"
      "FMS",
      "it ends inside its front");
  check_damage(std::string(100, 'x'), "not an fmtrain serving file");
  check_damage(bytes_of(model(hyper_of({}), false)), "it is a trained model, not a serving file");
}

// A file whose checksums are right, whatever it says.
class forged {
 public:
  explicit forged(std::string whole) : bytes(std::move(whole)) {}

  section& at(section_kind kind) {
    auto* const table = reinterpret_cast<section*>(&bytes[sizeof(front)]);
    const auto* const f = reinterpret_cast<const front*>(bytes.data());
    section* found = table;
    for (uint32_t i = 0; i < f->sections; ++i) {
      if (table[i].kind == static_cast<uint32_t>(kind)) found = table + i;
    }
    return *found;
  }
  template <class T>
  T* in(section_kind kind) {
    return reinterpret_cast<T*>(&bytes[at(kind).offset]);
  }
  const std::string& sealed() {
    seal_serving(bytes);
    return bytes;
  }
  std::string bytes;
};

TEST(a_newer_version) {
  forged file(small_file(precision::float32));
  file.bytes[8] = 2;
  check_damage(file.sealed(), "written by a newer fmtrain: serving format version 2",
               errc::version);
}

TEST(claims_that_are_too_large) {
  for (const uint64_t claim :
       {~uint64_t{0}, ~uint64_t{0} - 4095, uint64_t{1} << 63, uint64_t{1} << 40}) {
    for (const section_kind kind : {section_kind::meta, section_kind::ids, section_kind::weights}) {
      forged bytes(small_file(precision::float32)), offset(bytes.bytes);
      bytes.at(kind).bytes = claim;
      check_damage(bytes.sealed(), "a section is not where it should be");
      offset.at(kind).offset = claim;
      check_damage(offset.sealed(), "a section is not where it should be");
    }
  }
  forged many(small_file(precision::float32));
  reinterpret_cast<front*>(&many.bytes[0])->sections = 0xffffffff;
  check_damage(many.sealed(), "its table is cut");
}

// As many bytes as before: the meta section says something else.
void check_meta(const std::string& from, const std::string& to, const std::string& what) {
  forged file(small_file(precision::float32));
  const section s = file.at(section_kind::meta);
  const size_t at = file.bytes.find(from, s.offset);
  const bool there = at < s.offset + s.bytes && from.size() == to.size();
  CHECK(there);
  if (!there) return;
  file.bytes.replace(at, from.size(), to);
  check_damage(file.sealed(), what);
}

TEST(a_meta_section_that_lies) {
  const std::string lines = "does not have the lines of its version";
  check_meta("factors=2", "factors=3", "do not have the bytes that their number takes");
  check_meta("features=", "features:", lines);
  check_meta("factors=2", "factors=x", lines);
  check_meta("float32", "float64", lines);
  check_meta("link=sigmoid", "link=sigmoit", lines);
  check_meta("\nbuckets", " buckets", lines);
  check_meta("golden_shift=0", "golden_shift=-", lines);
}

TEST(ids_in_disorder_and_an_index_that_lies) {
  forged swapped(small_file(precision::float32));
  std::swap(swapped.in<uint64_t>(section_kind::ids)[0], swapped.in<uint64_t>(section_kind::ids)[1]);
  check_damage(swapped.sealed(), "its ids are not in order");
  forged twice(small_file(precision::float32));
  twice.in<uint64_t>(section_kind::ids)[1] = twice.in<uint64_t>(section_kind::ids)[0];
  check_damage(twice.sealed(), "its ids are not in order");
  forged behind(small_file(precision::float32));
  const uint64_t ids = behind.at(section_kind::ids).bytes / 8;
  behind.in<uint64_t>(section_kind::ids)[ids - 1] = 5;
  check_damage(behind.sealed(), "its ids do not end as they should");
  for (const uint32_t lie : {0u, 3u, 1000u, 0xffffffffu}) {
    forged index(small_file(precision::float32));
    const uint64_t buckets = index.at(section_kind::index).bytes / 4 - 1;
    for (const uint64_t at : {uint64_t{0}, buckets / 2, buckets}) {
      forged other = index;
      if (other.in<uint32_t>(section_kind::index)[at] == lie) continue;
      other.in<uint32_t>(section_kind::index)[at] = lie;
      check_damage(other.sealed(), "its index does not fit its ids");
    }
  }
}

TEST(weights_that_are_no_numbers) {
  forged wide(small_file(precision::float32));
  wide.in<uint32_t>(section_kind::weights)[4] = 0x7fc00000;
  check_damage(wide.sealed(), "a weight in it is not finite");
  forged half(small_file(precision::float16));
  half.in<uint16_t>(section_kind::weights)[4] = 0x7c00;
  check_damage(half.sealed(), "a weight in it is not finite");
  forged scale(small_file(precision::int8));
  scale.in<uint32_t>(section_kind::weights)[1] = 0x7f800000;
  check_damage(scale.sealed(), "is not finite");
  forged negative(small_file(precision::int8));
  negative.in<float>(section_kind::weights)[0] = -1;
  check_damage(negative.sealed(), "a scale in it is not finite, or is negative");
  forged tail(small_file(precision::int8));
  tail.bytes.back() = 1;
  check_damage(tail.sealed(), "its last block does not end with zeros");
}

// The numbers are sound, the scores are not those that were written.
TEST(golden_rows_find_what_checksums_do_not) {
  forged file(small_file(precision::float32));
  const uint64_t rows = file.at(section_kind::weights).bytes / 12;
  for (uint64_t i = 0; i < rows; ++i) file.in<float>(section_kind::weights)[3 * i] += 1;
  check_damage(file.sealed(), "a golden row scores otherwise here", errc::selftest);
}

TEST(something_between_the_sections) {
  forged file(small_file(precision::float32));
  const section s = file.at(section_kind::meta);
  file.bytes[s.offset + s.bytes] = 1;
  check_damage(file.sealed(), "there is something between its sections");
}

TEST(md5_given_and_not) {
  const std::string bytes = small_file(precision::float32);
  md5 sum;
  sum.add(bytes.data(), bytes.size());
  std::string is = sum.hex();
  const std::unique_ptr<frozen> m = thawed(bytes);
  CHECK_OK(m->check_md5(is));
  for (char& c : is) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
  CHECK_OK(m->check_md5(is));
  is[3] = is[3] == '0' ? '1' : '0';
  const status done = m->check_md5(is);
  CHECK(done.code() == errc::checksum);
  CHECK(done.message().find("the-file: its md5 is ") == 0);
  CHECK(!m->check_md5("").ok());
}

TEST(files_opened_either_way_score_alike) {
  const temporary_folder folder;
  const std::string path = folder.path("m.fms");
  write_file(path, small_file(precision::int8));
  for (const frozen::residence how : {frozen::residence::mapped, frozen::residence::copied}) {
    std::unique_ptr<frozen> m;
    CHECK_OK(frozen::open(path, how, &m));
    CHECK(!m->verified());
    CHECK_OK(m->verify());
    CHECK(m->verified());
    CHECK_EQ(m->file_bytes(), uint64_t{read_file(path).size()});
    std::unique_ptr<frozen> other;
    const status missing = frozen::open(folder.path("none"), how, &other);
    CHECK(missing.code() == errc::io);
    CHECK_EQ(missing.message(), folder.path("none") + ": cannot read: No such file or directory");
    CHECK_EQ(frozen::open(folder.path(""), how, &other).message(),
             folder.path("") + ": cannot read: Is a directory");
    CHECK(frozen::open("/dev/null", how, &other).code() == errc::io);
    write_file(folder.path("empty"), "");
    CHECK_EQ(frozen::open(folder.path("empty"), how, &other).message(),
             folder.path("empty") + ": not an fmtrain serving file (it is empty)");
  }
}

TEST(memory_used_in_place_is_aligned) {
  const std::string bytes = small_file(precision::float32);
  std::string room(bytes.size() + 128, '\0');
  const size_t start = 64 - reinterpret_cast<size_t>(room.data()) % 64;
  std::memcpy(&room[start], bytes.data(), bytes.size());
  std::unique_ptr<frozen> m;
  CHECK_OK(frozen::open_memory(&room[start], bytes.size(), frozen::residence::mapped, "it", &m));
  CHECK_OK(m->verify());
  CHECK_EQ(
      frozen::open_memory(&room[start + 8], 100, frozen::residence::mapped, "it", &m).message(),
      "it: bytes that are used in place must be aligned to 64");
}

}  // namespace
}  // namespace fmtrain
