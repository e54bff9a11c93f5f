#include "core/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "support/error_of.h"
#include "support/message_of.h"
#include "support/temp_folder.h"

namespace sooner {
namespace {

using testing::AllOf;
using testing::HasSubstr;

size_t entries(const std::filesystem::path& folder) {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

void write_plainly(const std::filesystem::path& path, std::string_view text) { std::ofstream(path) << text; }

TEST(ReadFile, GivesBackTheBytes) {
  const TempFolder folder;
  const std::string text("a\0b\n", 4);
  write_plainly(folder / "file", text);
  EXPECT_EQ(read_text(folder / "file"), text);
  EXPECT_EQ(read_file(folder / "file").size(), 4U);
}

TEST(ReadFile, ReadsAnEmptyFile) {
  const TempFolder folder;
  write_plainly(folder / "empty", "");
  EXPECT_TRUE(read_file(folder / "empty").empty());
}

TEST(ReadFile, NamesAMissingFile) {
  const TempFolder folder;
  const Error error = error_of([&] { read_file(folder / "absent.bin"); });
  EXPECT_EQ(error.code(), Code::kNotFound);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("absent.bin"), HasSubstr("check the path")));
}

TEST(ReadFile, RefusesAFolderADeviceAndWhatIsTooLong) {
  const TempFolder folder;
  write_plainly(folder / "long", "12345");
  EXPECT_EQ(error_of([&] { read_file(folder.path()); }).code(), Code::kInvalidArgument);
  EXPECT_EQ(error_of([] { read_file("/dev/zero"); }).code(), Code::kInvalidArgument);
  EXPECT_EQ(read_file(folder / "long", 5).size(), 5U);
  const Error error = error_of([&] { read_file(folder / "long", 4); });
  EXPECT_EQ(error.code(), Code::kDataLoss);
  EXPECT_THAT(error.what(), HasSubstr("holds 5 bytes, expected at most 4"));
}

TEST(ReadFile, ReadsAPipeToItsEnd) {
  const TempFolder folder;
  const std::filesystem::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::string text(100'000, 'x');
  std::thread writer([&] { write_plainly(pipe, text); });
  const std::string got = read_text(pipe);
  writer.join();
  EXPECT_EQ(got, text);
}

TEST(ReadFile, WaitsForAWriterThatComesLateAndPauses) {
  const TempFolder folder;
  const std::filesystem::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  constexpr auto kMoment = std::chrono::milliseconds(50);
  std::thread writer([&] {
    std::this_thread::sleep_for(kMoment);
    std::ofstream file(pipe);
    std::this_thread::sleep_for(kMoment);
    file << "one, " << std::flush;
    std::this_thread::sleep_for(kMoment);
    file << "two";
  });
  const MappedFile got = map_file(pipe);
  writer.join();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(got.data.get()), got.size), "one, two");
}

TEST(ReadFile, TakesAPipeThatIsClosedUnwrittenAsEmpty) {
  const TempFolder folder;
  const std::filesystem::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { write_plainly(pipe, ""); });
  EXPECT_EQ(read_text(pipe), "");
  writer.join();
}

TEST(ReadFile, GivesUpOnAPipeThatNobodyWritesInto) {
  const TempFolder folder;
  const std::filesystem::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const Error error = error_of([&] { read_file(pipe); });
  EXPECT_EQ(error.code(), Code::kUnavailable);
  EXPECT_THAT(error.what(), HasSubstr("is a pipe that nobody has opened for writing within 10 s"));
}

TEST(AtomicWrite, MakesAndReplacesAFileAndLeavesNothingElse) {
  const TempFolder folder;
  write_file_atomically(folder / "file", "first");
  EXPECT_EQ(read_text(folder / "file"), "first");
  write_file_atomically(folder / "file", [](FileSink& sink) {
    sink.write("sec");
    sink.write("ond");
  });
  EXPECT_EQ(read_text(folder / "file"), "second");
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(AtomicWrite, LeavesTheOldFileWhenTheProducerThrows) {
  const TempFolder folder;
  write_file_atomically(folder / "file", "old");
  EXPECT_THROW(write_file_atomically(folder / "file",
                                     [](FileSink& sink) {
                                       sink.write("half of the n");
                                       throw std::logic_error("stopped");
                                     }),
               std::logic_error);
  EXPECT_EQ(read_text(folder / "file"), "old");
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(AtomicWrite, ShowsTheOldFileUntilItIsDone) {
  const TempFolder folder;
  write_file_atomically(folder / "file", "old");
  write_file_atomically(folder / "file", [&](FileSink& sink) {
    sink.write("new");
    EXPECT_EQ(read_text(folder / "file"), "old");
  });
  EXPECT_EQ(read_text(folder / "file"), "new");
}

TEST(AtomicWrite, NamesAFolderThatIsNotThere) {
  const TempFolder folder;
  const Error error = error_of([&] { write_file_atomically(folder / "no" / "file", "x"); });
  EXPECT_EQ(error.code(), Code::kNotFound);
  EXPECT_THAT(error.what(), HasSubstr("no/file"));
}

TEST(AtomicWrite, RefusesToReplaceAFolder) {
  const TempFolder folder;
  make_folder(folder / "taken");
  EXPECT_THROW(write_file_atomically(folder / "taken", "x"), Error);
  EXPECT_TRUE(std::filesystem::is_directory(folder / "taken"));
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(AtomicWrite, RefusesToReplaceAPipe) {
  const TempFolder folder;
  const std::string path = (folder / "pipe").string();
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const Error error = error_of([&] { write_file_atomically(path, "x"); });
  EXPECT_EQ(error.code(), Code::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("no file to replace"));
  EXPECT_TRUE(std::filesystem::is_fifo(path));
}

TEST(AtomicWrite, WritesThroughLinks) {
  const TempFolder folder;
  make_folder(folder / "models");
  write_plainly(folder / "models" / "file", "old");
  std::filesystem::create_symlink("models/file", folder / "near");
  std::filesystem::create_symlink(folder / "near", folder / "far");
  write_file_atomically(folder / "far", "new");
  EXPECT_EQ(read_text(folder / "models" / "file"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "near"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "far"));
  EXPECT_EQ(entries(folder / "models"), 1U);
  EXPECT_EQ(entries(folder.path()), 3U);
}

TEST(AtomicWrite, MakesTheFileThatALinkNames) {
  const TempFolder folder;
  std::filesystem::create_symlink("file", folder / "link");
  write_file_atomically(folder / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read_text(folder / "file"), "new");
  std::filesystem::create_symlink("none/file", folder / "astray");
  EXPECT_THAT(message_of(Code::kNotFound, [&] { write_file_atomically(folder / "astray", "x"); }),
              HasSubstr("none/file' failed: No such file or directory; check the path"));
}

TEST(AtomicWrite, RefusesLinksThatLeadInCircles) {
  const TempFolder folder;
  std::filesystem::create_symlink("b", folder / "a");
  std::filesystem::create_symlink("a", folder / "b");
  EXPECT_THAT(message_of(Code::kNotFound, [&] { write_file_atomically(folder / "a", "x"); }),
              HasSubstr("following the link"));
  EXPECT_EQ(entries(folder.path()), 2U);
}

TEST(ExpectWritable, LeavesNothingAndRefusesWhatAWriteWould) {
  const TempFolder folder;
  write_plainly(folder / "file", "old");
  expect_writable(folder / "file");
  expect_writable(folder / "new");
  EXPECT_EQ(read_text(folder / "file"), "old");
  EXPECT_EQ(entries(folder.path()), 1U);
  EXPECT_EQ(error_of([&] { expect_writable(folder / "no" / "file"); }).code(), Code::kNotFound);
  EXPECT_EQ(error_of([&] { expect_writable(folder.path()); }).code(), Code::kInvalidArgument);
}

// Runs `body` with the permissions of an ordinary user, also when the tests run as root.
template <typename Body>
void as_ordinary_user(const Body& body) {
  constexpr uid_t kNobody = 65534;
  const bool root = ::geteuid() == 0;
  if (root && ::seteuid(kNobody) != 0) GTEST_SKIP() << "cannot give up root's permissions here";
  body();
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
}

TEST(AtomicWrite, SaysThatAFolderIsReadOnly) {
  const TempFolder folder;
  write_plainly(folder / "file", "old");
  ::chmod(folder.path().c_str(), 0555);
  as_ordinary_user([&] {
    const Error error = error_of([&] { write_file_atomically(folder / "file", "new"); });
    EXPECT_EQ(error.code(), Code::kPermissionDenied);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("file"), HasSubstr("name another folder")));
    EXPECT_EQ(read_text(folder / "file"), "old");
    EXPECT_EQ(error_of([&] { make_folder(folder / "below"); }).code(), Code::kPermissionDenied);
  });
  ::chmod(folder.path().c_str(), 0755);
}

TEST(ReadFile, SaysThatAFileMayNotBeRead) {
  const TempFolder folder;
  write_plainly(folder / "secret", "x");
  ::chmod(folder.path().c_str(), 0755);
  ::chmod((folder / "secret").c_str(), 0000);
  as_ordinary_user([&] { EXPECT_EQ(error_of([&] { read_file(folder / "secret"); }).code(), Code::kPermissionDenied); });
}

// A limit on file sizes stops a write as a full disk does.
TEST(AtomicWrite, LeavesTheOldFileWhenNoMoreBytesFit) {
  const TempFolder folder;
  write_file_atomically(folder / "file", "old");
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small {
    4096, before.rlim_max
  };
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Error error = error_of([&] { write_file_atomically(folder / "file", std::string(10'000, 'x')); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(error.code(), Code::kResourceExhausted);
  EXPECT_THAT(error.what(), HasSubstr("free some space"));
  EXPECT_EQ(read_text(folder / "file"), "old");
  EXPECT_EQ(entries(folder.path()), 1U);
}

// On a real full disk, where this machine lets a test mount one: in a child process with mounts of its own.
TEST(AtomicWrite, LeavesTheOldFileOnAFullDisk) {
  constexpr int kCannotMount = 77;
  const TempFolder folder;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    int result = kCannotMount;
    if (::unshare(CLONE_NEWNS | (::geteuid() == 0 ? 0 : CLONE_NEWUSER)) == 0 &&
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        ::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=64k") == 0) {
      result = 1;
      try {
        write_file_atomically(folder / "file", "old");
        write_file_atomically(folder / "file", std::string(1'000'000, 'x'));
      } catch (const Error& error) {
        if (error.code() == Code::kResourceExhausted && read_text(folder / "file") == "old" &&
            entries(folder.path()) == 1) {
          result = 0;
        }
      }
    }
    ::_exit(result);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kCannotMount) GTEST_SKIP() << "a test may not mount a disk here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(MakeFolder, MakesTheWholePathAndIsContentWhenItIsThere) {
  const TempFolder folder;
  make_folder(folder / "a" / "b");
  make_folder(folder / "a" / "b");
  EXPECT_TRUE(std::filesystem::is_directory(folder / "a" / "b"));
}

TEST(MakeFolder, RefusesAPathThroughAFile) {
  const TempFolder folder;
  write_plainly(folder / "file", "x");
  EXPECT_THROW(make_folder(folder / "file" / "below"), Error);
}

}  // namespace
}  // namespace sooner
