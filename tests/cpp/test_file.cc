// A file appears under its name whole or not at all; what the operating system refuses is said.
#include "base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "support.h"

namespace fmtrain {
namespace {

using names = std::vector<std::string>;

TEST(a_committed_file_is_there_and_nothing_else) {
  const temporary_folder folder;
  write_file(folder.path("model"), "the old one, longer than the new");
  const std::string large(3 << 20, 'x');
  {
    atomic_file file;
    CHECK_OK(file.open(folder.path("model")));
    CHECK_OK(file.write("new ", 4));
    CHECK_OK(file.write(large.data(), large.size()));
    CHECK_OK(file.write(" end", 4));
    CHECK_EQ(read_file(folder.path("model")), std::string("the old one, longer than the new"));
    CHECK_OK(file.commit());
  }
  CHECK(read_file(folder.path("model")) == "new " + large + " end");
  CHECK(folder.names() == names{"model"});
}

TEST(an_abandoned_file_leaves_the_old_one) {
  const temporary_folder folder;
  write_file(folder.path("model"), "old");
  {
    atomic_file file;
    CHECK_OK(file.open(folder.path("model")));
    CHECK_OK(file.write("new", 3));
  }
  CHECK_EQ(read_file(folder.path("model")), std::string("old"));
  CHECK(folder.names() == names{"model"});
}

TEST(what_cannot_be_written_is_said) {
  const temporary_folder folder;
  for (const std::string& path : {folder.path("no-such-folder/model"), folder.path("")}) {
    atomic_file file;
    const status refused = file.open(path);
    CHECK_EQ(refused.code(), errc::io);
    CHECK(refused.message().find(path + ": cannot write: ") == 0);
  }
  // The folder goes away while the file is written: rename fails.
  CHECK_EQ(::mkdir(folder.path("gone").c_str(), 0755), 0);
  atomic_file file;
  CHECK_OK(file.open(folder.path("gone/model")));
  CHECK_EQ(::rename(folder.path("gone").c_str(), folder.path("moved").c_str()), 0);
  const status refused = file.commit();
  CHECK_EQ(refused.code(), errc::io);
  CHECK(refused.message().find("gone/model: cannot write: ") != std::string::npos);
}

TEST(a_full_disk_is_said) {
  const int full = ::open("/dev/full", O_WRONLY);
  CHECK(full >= 0);
  const status refused = write_all(full, "x", 1, "the output");
  ::close(full);
  CHECK_EQ(refused.code(), errc::io);
  CHECK(refused.message().find("the output: cannot write: ") == 0);
}

// Alarms that do not restart the call cut the write short, and interrupt it, again and again.
TEST(an_interrupted_write_goes_on) {
  int ends[2];
  CHECK_EQ(::pipe(ends), 0);
  std::string bytes, got;
  for (size_t i = 0; i < size_t{1} << 20; ++i) bytes.push_back(static_cast<char>(i * i >> 7));
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  CHECK_EQ(::sigaction(SIGALRM, &action, nullptr), 0);
  std::thread reader([&] {
    sigset_t alarm;
    ::sigemptyset(&alarm);
    ::sigaddset(&alarm, SIGALRM);
    ::pthread_sigmask(SIG_BLOCK, &alarm, nullptr);  // they are for the writer
    char buffer[20000];
    for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
      got.append(buffer, static_cast<size_t>(n));
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  });
  const itimerval often = {{0, 1000}, {0, 1000}}, never = {};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  descriptor_sink sink(ends[1], "pipe");
  CHECK_OK(sink.write(bytes.data(), bytes.size()));
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::close(ends[1]);
  reader.join();
  ::close(ends[0]);
  CHECK(got == bytes);
}

TEST(a_link_stays_a_link) {
  const temporary_folder folder;
  write_file(folder.path("model-7"), "old");
  CHECK_EQ(::symlink("model-7", folder.path("latest").c_str()), 0);
  atomic_file file;
  CHECK_OK(file.open(folder.path("latest")));
  CHECK_OK(file.write("new", 3));
  CHECK_OK(file.commit());
  CHECK_EQ(read_file(folder.path("model-7")), std::string("new"));
  struct stat link;
  CHECK_EQ(::lstat(folder.path("latest").c_str(), &link), 0);
  CHECK(S_ISLNK(link.st_mode));
  CHECK((folder.names() == names{"latest", "model-7"}));
}

TEST(what_is_no_regular_file_is_not_replaced) {
  const temporary_folder folder;
  CHECK_EQ(::mkfifo(folder.path("pipe").c_str(), 0644), 0);
  const std::vector<std::string> paths = {"/dev/null", folder.path("pipe")};
  for (const std::string& path : paths) {
    atomic_file file;
    const status refused = file.open(path);
    CHECK_EQ(refused.code(), errc::io);
    CHECK(refused.message().find(path + ": cannot write: ") == 0);
  }
  CHECK(folder.names() == names{"pipe"});
}

TEST(sources_give_all_and_say_when_it_is_over) {
  const temporary_folder folder;
  write_file(folder.path("bytes"), "abcdef");
  file_source file;
  CHECK_OK(file.open(folder.path("bytes")));
  CHECK_OK(file.open(folder.path("bytes")));
  memory_source memory("abcdef", 6);
  for (byte_source* source :
       {static_cast<byte_source*>(&file), static_cast<byte_source*>(&memory)}) {
    char buffer[8] = {};
    size_t got = 0;
    CHECK_OK(source->read(buffer, 4, &got));
    CHECK_EQ(std::string(buffer, got), std::string("abcd"));
    CHECK_OK(source->read(buffer, 4, &got));
    CHECK_EQ(std::string(buffer, got), std::string("ef"));
    CHECK_OK(source->read(buffer, 4, &got));
    CHECK_EQ(got, 0u);
  }
  const status missing = file.open(folder.path("missing"));
  CHECK_EQ(missing.code(), errc::io);
  CHECK(missing.message().find("missing: cannot read: ") != std::string::npos);
}

}  // namespace
}  // namespace fmtrain
